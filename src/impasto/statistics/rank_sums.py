"""The exact rank-sum test over plates: do treated wells rank above or below the controls of their plates?

    U = Σ over plates of #{(treated, control): treated > control},      P(U) = convolution over plates of Mann and Whitney's distribution

No distribution of the values is assumed, and no order between values of different plates. A tie counts against the finding: half of the
two-sided test takes ties for below, the other half for above, so the p-value is never too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import signal, stats

Numbers = npt.NDArray[np.float64]
_FEW = 8
"""So many treated wells are compared well by well: a loop over thousands of features takes longer."""
MOST_EXACT = 20_000
"""With more pairs of a treated well and a control the normal distribution stands in."""


def counts(treated: npt.NDArray[np.floating], controls: npt.NDArray[np.floating], /) -> tuple[Numbers, Numbers]:
    """How many controls of its plate lie below each treated well, and how many do not lie above.

    Parameters
    ----------
    treated, controls
        (k, features) and (c, features).

    Returns
    -------
    tuple[Numbers, Numbers]
        (k, features) each.

    """
    below, up_to = np.empty(treated.shape), np.empty(treated.shape)
    if len(treated) <= _FEW:
        for row, well in enumerate(treated):
            below[row], up_to[row] = (controls < well).sum(axis=0), (controls <= well).sum(axis=0)
        return below, up_to
    ordered = np.sort(controls, axis=0)
    for feature in range(treated.shape[1]):
        below[:, feature] = np.searchsorted(ordered[:, feature], treated[:, feature], side="left")
        up_to[:, feature] = np.searchsorted(ordered[:, feature], treated[:, feature], side="right")
    return below, up_to


def p_values(below: Numbers, up_to: Numbers, pools: Sequence[tuple[int, int]], /) -> Numbers:
    """The two-sided p-values of sums of counts.

    Parameters
    ----------
    below, up_to
        (features,) sums over the treated wells of a perturbation of what `counts` gives.
    pools
        Treated wells and controls (k, c) of each plate.

    Returns
    -------
    Numbers
        (features,) twice the smaller tail, at most 1.

    """
    pairs = sum(k * c for k, c in pools)
    if pairs > MOST_EXACT:
        deviation = np.sqrt(sum(k * c * (k + c + 1) for k, c in pools) / 12)
        above, under = (stats.norm.sf((distance - 0.5) / deviation) for distance in (below - pairs / 2, pairs / 2 - up_to))
        return np.asarray(np.minimum(1.0, 2 * np.minimum(above, under)))
    tail = _tail(tuple(sorted(pools)))
    # The distribution is symmetric: at most u pairs are as likely as at least `pairs - u`.
    smaller = np.minimum(tail[below.astype(np.intp)], tail[(pairs - up_to).astype(np.intp)])
    return np.asarray(np.minimum(1.0, 2 * smaller))


def floor(pools: Sequence[tuple[int, int]], /) -> float:
    """The smallest p-value that these plates can give.

    Parameters
    ----------
    pools
        Treated wells and controls (k, c) of each plate.

    Returns
    -------
    float
        The p-value of treated wells that all lie above all controls.

    """
    pairs = float(sum(k * c for k, c in pools))
    return float(p_values(np.array([pairs]), np.array([pairs]), pools)[0])


@cache
def _tail(pools: tuple[tuple[int, int], ...]) -> Numbers:
    """P(U >= u) of every u from 0 (pairs + 1,)."""
    mass = np.ones(1)
    for k, c in pools:
        # By sums of products of what is positive: a Fourier transform would leave errors of 1e-16 in tails smaller than that.
        mass = signal.convolve(mass, _of_plate(k, c), method="direct")
    return np.asarray(np.minimum(1.0, np.cumsum(mass[::-1])[::-1]))


@cache
def _of_plate(k: int, c: int) -> Numbers:
    """Mann and Whitney's distribution of U (k c + 1,): the largest value is of a treated well, with k / (k + c), or of a control."""
    table = {(i, 0): np.ones(1) for i in range(k + 1)} | {(0, j): np.ones(1) for j in range(c + 1)}
    for i in range(1, k + 1):
        for j in range(1, c + 1):
            mass = np.zeros(i * j + 1)
            mass[j:] += i / (i + j) * table[i - 1, j]
            mass[: i * (j - 1) + 1] += j / (i + j) * table[i, j - 1]
            table[i, j] = mass
    return table[k, c]
