"""A jackknife that really deletes the wells of a group of units and calls the task again: the oracle of every task's interval."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import anndata
import numpy as np

from impasto.schema import InputError
from impasto.statistics.jackknife import LeftOut, deal


def deleted(
    task: Callable[[anndata.AnnData], float],
    table: anndata.AnnData,
    units: Sequence[str | None],
    *,
    seed: int = 0,
    pairs: bool = True,
    most: int = 20,
) -> LeftOut:
    """The score of a table without the rows of each group of units, and without those of each two groups.

    `units` names the unit of each row, None for a row that always stays. A task that refuses what is left has no score.
    """
    names = sorted({unit for unit in units if unit is not None})
    group = dict(zip(names, deal(len(names), seed=seed, most=most), strict=True))
    of_row = np.array([-1 if unit is None else group[unit] for unit in units])
    count = max(group.values()) + 1

    def score(*gone: int) -> float:
        try:
            return task(table[~np.isin(of_row, gone)].copy())
        except InputError:
            return float("nan")

    single = np.array([score(g) for g in range(count)])
    if not pairs:
        return LeftOut(score(), single, None, len(names))
    pair = np.full((count, count), np.nan)
    for g, h in itertools.combinations(range(count), 2):
        pair[g, h] = score(g, h)
    return LeftOut(score(), single, pair, len(names))


def permuted(table: anndata.AnnData, *, seed: int = 5) -> anndata.AnnData:
    """The same rows in another order."""
    return table[np.random.default_rng(seed).permutation(table.n_obs)].copy()
