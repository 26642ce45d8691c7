"""What a random ranking scores where some candidates are equal, and always stand side by side.

Groups of equal candidates, of sizes s_g, are in random order. The rank of a candidate is 1 + S + (s - 1) / 2: s is the size of its own
group, S the sum of the sizes before it. Give each group a place drawn from 0 to 1. With its own at u each other stands before it with
probability u, so

    E gain(rank) = integral over u of  E gain(1 + (s - 1) / 2 + sum_c c Binomial(n_c, u)),    n_c the other groups of size c

The integrand is a polynomial in u of the degree of the number of other groups: Gauss-Legendre nodes integrate it exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import signal, stats

Numbers = npt.NDArray[np.float64]
MOST_NODES = 256
"""More groups than twice as many get so many nodes, which lie close together where the integrand bends."""


def expected_gain(gain: Callable[[Numbers], Numbers], /, *, sizes: npt.NDArray[np.intp], own: int) -> float:
    """The mean gain of a candidate over all orders of the groups.

    Parameters
    ----------
    gain
        What ranks are worth.
    sizes
        (groups,) how many equal candidates each group has.
    own
        The size of the candidate's own group, one of these.

    Returns
    -------
    float
        The mean.

    """
    others = sizes.tolist()
    others.remove(own)
    first = 1 + (own - 1) / 2
    if not others:
        return float(gain(np.array([first]))[0])
    counts = list(zip(*(part.tolist() for part in np.unique(others, return_counts=True)), strict=True))
    nodes, weights = np.polynomial.legendre.leggauss(min(len(others) // 2 + 1, MOST_NODES))
    before = sum(weight * _before((1 + node) / 2, counts) for node, weight in zip(nodes, weights / 2, strict=True))
    return float(np.asarray(before) @ gain(first + np.arange(sum(others) + 1)))


def _before(u: float, counts: list[tuple[int, int]]) -> Numbers:
    """The probability of each number of candidates before the own group, (all others + 1,)."""
    whole = np.ones(1)
    for size, count in counts:
        of_size = np.zeros(size * count + 1)
        of_size[::size] = stats.binom.pmf(np.arange(count + 1), count, u)
        whole = signal.convolve(whole, of_size)
    return whole
