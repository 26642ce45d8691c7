"""Cells -> profiles of wells (`impasto profile DIR --pool NAME`). Standardise afterwards: pooling changes no scale.

A plate is read by blocks of features, so memory holds a block of its cells and the profiles. `cell_count` counts the cells that were
pooled, `cell_count_all` all of the well. A well without a kept cell, or that the check has left out, has no profile; both are said.
"""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import identity, profiles, progress, schema, wells
from impasto.cells import checked
from impasto.cells.folder import Cells, Plate
from impasto.cells.pools import CLIPPED, POOLS, Floats, Pool, pooled
from impasto.schema import InputError

DEFAULT = "median"
STATISTIC = "statistic"
_BLOCK = 1 << 21
"""Values of a block."""
_WIDEST = 64
"""Features of a block, where the plate is small."""


def pool(cells: Cells, /, *, name: str = DEFAULT) -> anndata.AnnData:
    """Pool the kept cells of each well.

    Parameters
    ----------
    cells
        A folder of cells.
    name
        A pooling of `POOLS`.

    Returns
    -------
    anndata.AnnData
        One row a well. `var["statistic"]` says what each feature is of the cells.

    Raises
    ------
    InputError
        There is no such pooling, no well has a kept cell, or a plate has no control cells to clip to.

    """
    chosen = POOLS[schema.one_of(name, POOLS, what="pooling of cells")]
    whole = np.full((len(cells.wells), len(chosen.statistics), len(cells.features)), np.nan, dtype=np.float32)
    for plate in cells.plates:
        whole[cells.rows_of_plate(plate)] = _of_plate(cells, plate, chosen)
    counts = cells.wells[schema.CELL_COUNT].to_numpy()
    out = checked.wells_out(cells)
    used = (counts > 0) & ~out
    empty, by_check = int((counts == 0).sum()), int((out & (counts > 0)).sum())
    if not used.any():
        raise InputError(
            f"{cells.folder}: none of {len(used)} wells has a profile: {empty} hold no kept cell, {by_check} are out by the check; its "
            "receipt says why"
        )
    if not used.all():
        progress.say(
            f"{int((~used).sum())} of {len(used)} wells have no profile: {empty} hold no kept cell, {by_check} are out by the check"
        )
    values = whole[used].reshape(int(used.sum()), -1)
    obs = cells.wells[used].reset_index(drop=True)
    obs.index = pd.RangeIndex(len(obs)).astype(str)
    data = anndata.AnnData(X=values, obs=obs, var=_var(cells.features, chosen))
    identity.record_encoder(data, {"name": "cells", "settings": {"pool": name, "unit": cells.unit, "checked": cells.quality is not None}})
    return data


def _of_plate(cells: Cells, name: str, chosen: Pool) -> Floats:
    """(wells of the plate, statistics, features)."""
    plate = cells.plate(name)
    is_kept, spans = plate.kept, {span.well: span for span in plate.spans}
    rows = cells.wells.iloc[cells.rows_of_plate(name)]
    ends = np.concatenate([[0], np.cumsum(is_kept)])
    of_well = [(int(ends[spans[w].start]), int(ends[spans[w].stop])) if w in spans else (0, 0) for w in rows[schema.WELL].astype(str)]
    controls = control_cells(cells, plate)[is_kept] if chosen.needs_controls else None
    if controls is not None and not controls.any():
        raise InputError(
            f"plate {name} has no cell of a negative control to clip to; mark controls (impasto cells --negcon), or pool by median"
        )
    result = np.full((len(rows), len(chosen.statistics), len(cells.features)), np.nan)
    block = max(1, min(_WIDEST, _BLOCK // max(1, len(is_kept))))
    first = 0
    for _, names, values in cells.blocks(name, features=block):
        used = values if is_kept.all() else values[:, is_kept]
        used = used if controls is None else _clipped(used, controls)
        _pool_block(used, of_well, chosen, result[:, :, first : first + len(names)])
        first += len(names)
    return result


def _pool_block(values: Floats, of_well: Sequence[tuple[int, int]], chosen: Pool, result: Floats) -> None:
    """Fill the result of some features, (wells, statistics, features). Features without a gap on the plate need no look for gaps."""
    gaps = np.isnan(values).any(axis=1)
    whole, with_gaps = (values[~gaps], values[gaps]) if gaps.any() else (values, values[:0])
    for number, (start, stop) in enumerate(of_well):
        if stop > start and len(whole):
            result[number][:, ~gaps] = chosen.of(whole[:, start:stop])
        if stop > start and len(with_gaps):
            result[number][:, gaps] = pooled(chosen, with_gaps[:, start:stop])


def control_cells(cells: Cells, plate: Plate, /) -> npt.NDArray[np.bool_]:
    """Which cells of a plate lie in wells of negative controls that may be learned from.

    Parameters
    ----------
    cells
        The folder.
    plate
        One of its plates.

    Returns
    -------
    npt.NDArray[np.bool_]
        (cells of the plate,) kept or not.

    """
    rows = cells.wells.iloc[cells.rows_of_plate(plate.name)]
    named = set(rows.loc[wells.negative(rows) & wells.learnable(rows), schema.WELL].astype(str))
    chosen = np.zeros(len(plate.bits), dtype=bool)
    for span in plate.spans:
        chosen[span.start : span.stop] = span.well in named
    return chosen


def _clipped(values: Floats, controls: npt.NDArray[np.bool_]) -> Floats:
    """Values between the control cells' percentiles, feature by feature. A feature that no control cell has is not clipped."""
    of_controls = values[:, controls]
    gaps = np.isnan(of_controls).any(axis=1)
    limits = np.repeat(np.array([[-np.inf], [np.inf]]), len(values), axis=1)
    if not gaps.all():
        limits[:, ~gaps] = np.quantile(of_controls[~gaps], CLIPPED, axis=1)
    for row in np.flatnonzero(gaps):
        there = of_controls[row][~np.isnan(of_controls[row])]
        if len(there):
            limits[:, row] = np.quantile(there, CLIPPED)
    return np.clip(values, *limits[:, :, None]).astype(np.float32)


def _var(features: list[str], chosen: Pool) -> pd.DataFrame:
    """Features of the statistics: those of one statistic are named as they are, of several with the statistic behind."""
    several = len(chosen.statistics) > 1
    names = [f"{name}_{statistic}" if several else name for statistic in chosen.statistics for name in features]
    var = profiles.describe_features(names)
    var[STATISTIC] = np.repeat(chosen.statistics, len(features))
    return var
