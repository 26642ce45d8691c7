"""How sure a share is that is counted above a threshold which is itself drawn: the k-th largest of n null values.

Things are called where fewer than k of n null values reach them. With other null values the threshold would lie elsewhere. Let U be the
share of the null distribution above it, and s the share called. The k-th largest of n has, whatever the null distribution (Renyi 1953),

    E log U_k = psi(k) - psi(n + 1),     Var log U_k = psi'(k) - psi'(n + 1).

The slope b of s in log U is that of the least-squares line through s_j, the share above the j-th largest, at psi(j), for j from k/3 to 3k
and five values at least. The threshold's part of the variance of s is then b² Var log U_k. Leaving out null values one by one would see the
gap between two of them only, where k is 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

_REACH, _FEWEST = 3, 5


def variance(reached: npt.NDArray[np.integer], called: npt.NDArray[np.bool_], /, *, of: int) -> float:
    """The variance of a share called that comes from the null values.

    Parameters
    ----------
    reached
        (things,) how many null values reach each.
    called
        (things,) those with the fewest.
    of
        n, how many null values there are.

    Returns
    -------
    float
        0 where nothing is called.

    """
    if not called.any():
        return 0.0
    rank = min(int(reached[called].max()) + 1, of)
    first, last = max(1, -(-rank // _REACH)), min(of, max(_REACH * rank, _FEWEST))
    ranks = np.arange(first, last + 1)
    if len(ranks) < 2:
        return 0.0
    above = (np.asarray(reached)[:, None] < ranks).mean(axis=0)
    at = special.digamma(ranks)
    slope = float(((at - at.mean()) * (above - above.mean())).sum() / ((at - at.mean()) ** 2).sum())
    return slope**2 * float(special.polygamma(1, rank) - special.polygamma(1, of + 1))
