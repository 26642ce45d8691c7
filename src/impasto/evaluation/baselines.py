"""Shortcut baselines: what a score would be if profiles held nothing but the well's position, or the number of its cells.

They stand beside every replicate score. On layouts where a compound keeps its well, position alone can beat biology.
"""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import schema, wells

SHUFFLED = "shuffled labels"
"""The group of the same profiles under labels in random order."""

COUNT_STAND_INS = ("NumberOfNeighbors", "PercentTouching", "FirstClosestDistance")
"""CellProfiler's measures of crowding, used where a table has no cell count."""


def is_baseline(group: str, /) -> bool:
    """Whether a group of scores is a baseline that uses no morphology, or no labels."""
    return group.endswith((" only", SHUFFLED))


def position_only(obs: pd.DataFrame, /) -> npt.NDArray[np.float32] | None:
    """Row and column of each well, one-hot (rows, R + C): the same well is 1, the same row or column .5, others 0 by cosine."""
    if schema.WELL not in obs:
        return None
    return np.concatenate([np.eye(line.max() + 1)[line] for line in wells.place(obs)], axis=1).astype(np.float32)


def count_only(profiles: anndata.AnnData, /) -> tuple[npt.NDArray[np.float32], str] | None:
    """Cell counts as points on a quarter circle (rows, 2), and where they come from.

    The angle is the count's rank among all wells, so cosine falls with the difference of ranks. Where there is no count, a
    measure of crowding stands in; None where there is neither.
    """
    if schema.CELL_COUNT in profiles.obs:
        counts, name = profiles.obs[schema.CELL_COUNT].astype(float).to_numpy(), "cell count"
    else:
        found = [f for word in COUNT_STAND_INS for f in profiles.var_names if word in f]
        if not found:
            return None
        counts, name = tables.dense(profiles[:, found[0]])[:, 0].astype(float), f"stand-in for cell count ({found[0]})"
    ranks = pd.Series(counts).rank(pct=True).fillna(0.5).to_numpy() * np.pi / 2
    return np.stack([np.cos(ranks), np.sin(ranks)], axis=1).astype(np.float32), name


def stand_ins(profiles: anndata.AnnData, /) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """The shortcut baselines that a table allows, by name: rows that know the place only, or the count of cells only."""
    found = []
    position = position_only(profiles.obs)
    if position is not None:
        found.append(("position only", position))
    count = count_only(profiles)
    if count is not None:
        found.append((f"{count[1]} only", count[0]))
    return found
