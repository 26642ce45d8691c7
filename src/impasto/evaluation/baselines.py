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
    """Whether a group of scores is a baseline that uses no morphology, or no labels.

    Parameters
    ----------
    group
        A value of the column `group` of scores.

    Returns
    -------
    bool
        True for `position only`, `cell count only`, stand-ins for the count, and shuffled labels.

    """
    return group.endswith((" only", SHUFFLED))


def position_only(obs: pd.DataFrame, /) -> npt.NDArray[np.float32] | None:
    """Row and column of each well, one-hot: by cosine the same well is 1, the same row or column .5, others 0.

    Parameters
    ----------
    obs
        The annotation of wells.

    Returns
    -------
    npt.NDArray[np.float32] | None
        (rows, R + C) of R rows and C columns of the plate; None in a table without wells.

    """
    if schema.WELL not in obs:
        return None
    return np.concatenate([np.eye(line.max() + 1)[line] for line in wells.place(obs)], axis=1).astype(np.float32)


def count_only(profiles: anndata.AnnData, /) -> tuple[npt.NDArray[np.float32], str] | None:
    """Cell counts as points on a quarter circle.

    The angle is the count's rank among all wells, so cosine falls with the difference of ranks. Where there is no count, a
    measure of crowding stands in.

    Parameters
    ----------
    profiles
        One row a well.

    Returns
    -------
    tuple[npt.NDArray[np.float32], str] | None
        (rows, 2) the points, and where the counts come from; None where there is neither a count nor a measure of crowding.

    """
    if schema.CELL_COUNT in profiles.obs:
        counts, name = profiles.obs[schema.CELL_COUNT].astype(float).to_numpy(), "cell count"
    else:
        measures = [f for word in COUNT_STAND_INS for f in profiles.var_names if word in f]
        if not measures:
            return None
        counts, name = tables.dense(profiles[:, measures[0]])[:, 0].astype(float), f"stand-in for cell count ({measures[0]})"
    ranks = pd.Series(counts).rank(pct=True).fillna(0.5).to_numpy() * np.pi / 2
    return np.stack([np.cos(ranks), np.sin(ranks)], axis=1).astype(np.float32), name


def stand_ins(profiles: anndata.AnnData, /) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """The shortcut baselines that a table allows.

    Parameters
    ----------
    profiles
        One row a well.

    Returns
    -------
    list[tuple[str, npt.NDArray[np.float32]]]
        The name of each baseline and its rows, which know the place only, or the count of cells only.

    """
    shortcuts = []
    position = position_only(profiles.obs)
    if position is not None:
        shortcuts.append(("position only", position))
    count = count_only(profiles)
    if count is not None:
        shortcuts.append((f"{count[1]} only", count[0]))
    return shortcuts
