"""Any statistic of which wells were treated: the p-value of the true choice among all choices, plate by plate.

Under the null hypothesis the k treated wells of a plate are k more of its c controls. Choices are counted one by one where they are
few, else drawn until twenty reach the true one (Besag & Clifford 1991), or the budget is spent. `permutation` holds the one statistic,
the length of a mean difference, that can be counted without making every choice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from impasto.statistics.permutation import MOST_ORDERINGS, ROUNDING, Permuted, orderings, p_of_draws

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Statistic = Callable[[Rows], Numbers]
"""Takes choices (choices, treated), as numbers of members, and gives the statistic of each (choices,). Large is unlike the controls."""
_BLOCK = 1000
"""So many choices are counted at once."""


def of_choices(
    pools: Sequence[tuple[int, int]], statistic: Statistic, /, *, most_draws: int, seed: int, most_counted: int = MOST_ORDERINGS
) -> Permuted:
    """Test a statistic by choosing the treated wells of each plate in other ways.

    Parameters
    ----------
    pools
        Treated wells and controls (k, c) of each plate. Members are numbered plate by plate, the treated wells of each first.
    statistic
        Of some choices.
    most_draws
        How many choices are drawn at most where they are not all counted.
    seed
        Of the draws.
    most_counted
        So many choices at most are counted one by one.

    Returns
    -------
    Permuted
        The test. A tie with the true choice, but for rounding, counts as reaching it.

    """
    starts, truth = _places(pools)
    observed = float(statistic(truth[None])[0])
    least = observed - ROUNDING * max(1.0, abs(observed))
    count = orderings(pools)
    if count <= most_counted:
        reached = sum(int((statistic(block) >= least).sum()) for block in _all(pools, starts, count))
        return Permuted(observed, reached / count, 1 / count, exact=True)
    rng = np.random.default_rng(seed)
    p = p_of_draws(lambda size: np.asarray(statistic(_drawn(pools, starts, size, rng)) >= least), most=most_draws)
    return Permuted(observed, p, 1 / (1 + most_draws), exact=False)


def without_groups(
    pools: Sequence[tuple[int, int]], statistic: Statistic, /, *, most_draws: int, seed: int, most_counted: int = MOST_ORDERINGS
) -> Numbers:
    """The p-value of the same test without each group of controls, from the same choices.

    Parameters
    ----------
    pools, seed, most_counted
        As `of_choices` takes them.
    statistic
        Of some choices without each group (choices, groups); NaN where a chosen well has left with the group.
    most_draws
        How many choices are drawn where they are not all counted.

    Returns
    -------
    Numbers
        (groups,)

    """
    starts, truth = _places(pools)
    observed = np.asarray(statistic(truth[None]))[0]
    least = observed - ROUNDING * np.maximum(1.0, np.abs(observed))
    count, rng = orderings(pools), np.random.default_rng(seed)
    exact = count <= most_counted
    sizes = [min(_BLOCK, most_draws - start) for start in range(0, most_draws, _BLOCK)]
    reached, usable = np.zeros(len(observed)), np.zeros(len(observed))
    for chosen in _all(pools, starts, count) if exact else (_drawn(pools, starts, size, rng) for size in sizes):
        values = np.asarray(statistic(chosen))
        reached += (values >= least).sum(axis=0)
        usable += np.isfinite(values).sum(axis=0)
    return reached / usable if exact else (1 + reached) / (1 + usable)


def _places(pools: Sequence[tuple[int, int]]) -> tuple[Rows, Rows]:
    """The first member of each plate, and the treated wells."""
    starts = np.cumsum([0, *(treated + controls for treated, controls in pools[:-1])])
    return starts, np.concatenate([start + np.arange(k) for start, (k, _) in zip(starts, pools, strict=True)])


def _drawn(pools: Sequence[tuple[int, int]], starts: Rows, size: int, rng: np.random.Generator) -> Rows:
    return np.concatenate([start + _picked(k, k + c, size, rng) for start, (k, c) in zip(starts, pools, strict=True)], axis=1)


def _all(pools: Sequence[tuple[int, int]], starts: Rows, count: int) -> itertools.chain[Rows]:
    """Every choice, in blocks: one choice a plate, in all combinations."""
    of_plate = [
        start + np.array(list(itertools.combinations(range(k + c), k)), dtype=np.intp).reshape(-1, k)
        for start, (k, c) in zip(starts, pools, strict=True)
    ]
    shape = [len(choices) for choices in of_plate]

    def block(first: int) -> list[Rows]:
        places = np.unravel_index(np.arange(first, min(first + _BLOCK, count)), shape)
        return [np.concatenate([choices[place] for choices, place in zip(of_plate, places, strict=True)], axis=1)]

    return itertools.chain.from_iterable(block(first) for first in range(0, count, _BLOCK))


def _picked(k: int, size: int, draws: int, rng: np.random.Generator) -> Rows:
    """So many different members of `size`, drawn at random (draws, k)."""
    if k == 1:
        return rng.integers(0, size, (draws, 1))
    return np.asarray(rng.random((draws, size)).argpartition(k - 1, axis=1)[:, :k])
