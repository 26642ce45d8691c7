"""Cells against control cells, as a few numbers each: what a test of parts of cells reads. Whitened on controls only.

    z = (x - median) / (1.4826 MAD) of the plate's control cells, clipped to ±10; a feature whose MAD is 0 is out
    c = z - the median of the cell's well
    C = covariance of c over control cells = U diag(e) U'
    y = c U_k / sqrt(e_k + 1 % of the mean of e),  k = 1 ... 30

Three passes over each plate: features in blocks, wells of controls, all wells. y is float16 in memory: 60 bytes a cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import progress, schema
from impasto.cells.folder import Cells, Plate
from impasto.cells.pool import control_cells
from impasto.schema import InputError

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
CLIP = 10.0
_NORMAL = 1.4826
_SHRINK = 0.01


@dataclass(frozen=True)
class Whitened:
    """The kept cells of all wells.

    Attributes
    ----------
    wells
        One row a well, as in `Cells.wells`.
    cells
        (wells) each (cells, components) of float16: centred on its well.
    means
        (wells, components): the mean of z, not centred, in the same components.
    features
        Those that were used.

    """

    wells: pd.DataFrame
    cells: list[npt.NDArray[np.float16]]
    means: Numbers
    features: list[str]


def whiten(cells: Cells, /, *, components: int = 30) -> Whitened:
    """Project the kept cells of all wells.

    Parameters
    ----------
    cells
        A folder of cells, with negative controls on each plate.
    components
        How many at most.

    Returns
    -------
    Whitened
        Numbers of each cell and each well.

    Raises
    ------
    InputError
        A plate has no control cells, or no feature varies among them.

    """
    scales, varies = _scales(cells)
    axes = _axes(_covariance(cells, scales, varies), components)
    projected: list[npt.NDArray[np.float16]] = [np.empty((0, axes.shape[1]), dtype=np.float16) for _ in range(len(cells.wells))]
    means = np.full((len(cells.wells), axes.shape[1]), np.nan)
    for name in progress.track(cells.plates, what="projecting cells", unit="plates"):
        plate = cells.plate(name)
        row_of = dict(zip(cells.wells[schema.WELL].iloc[cells.rows_of_plate(name)].astype(str), cells.rows_of_plate(name), strict=True))
        for well, z in _wells(cells, plate, scales[name], varies):
            if len(z):
                centred = z - np.median(z, axis=0)
                projected[row_of[well]] = (centred @ axes).astype(np.float16)
                means[row_of[well]] = z.mean(axis=0, dtype=np.float64) @ axes
    return Whitened(cells.wells, projected, means, [f for f, used in zip(cells.features, varies, strict=True) if used])


def standardised(cells: Cells, /) -> tuple[list[str], Iterator[tuple[Plate, str, Floats]]]:
    """The kept cells of all wells on the scale of their plate's control cells.

    Parameters
    ----------
    cells
        A folder of cells, with negative controls on each plate.

    Returns
    -------
    features : list[str]
        Those that vary among the control cells of every plate.
    wells : Iterator[tuple[Plate, str, Floats]]
        A plate, a well, and (cells, features) less the median over 1.4826 MAD, clipped at 10; 0 where a value was not measured.

    Raises
    ------
    InputError
        A plate has no control cells, or no feature varies among them.

    """
    scales, varies = _scales(cells)
    plates = (cells.plate(name) for name in cells.plates)
    wells = ((plate, well, z) for plate in plates for well, z in _wells(cells, plate, scales[plate.name], varies))
    return [f for f, used in zip(cells.features, varies, strict=True) if used], wells


def _scales(cells: Cells) -> tuple[dict[str, tuple[Numbers, Numbers]], npt.NDArray[np.bool_]]:
    """Plate -> the scale of its control cells; and which features vary among those of every plate."""
    scales = {name: _scale(cells, cells.plate(name)) for name in progress.track(cells.plates, what="scaling features", unit="plates")}
    varies = np.logical_and.reduce([np.isfinite(middle) & np.isfinite(spread) & (spread > 0) for middle, spread in scales.values()])
    if not varies.any():
        raise InputError(f"{cells.folder}: no feature varies among the control cells of every plate; these cells cannot be compared")
    return scales, varies


def _scale(cells: Cells, plate: Plate) -> tuple[Numbers, Numbers]:
    """Median and 1.4826 MAD of the plate's kept control cells, a number a feature; NaN where none has a value."""
    chosen = control_cells(cells, plate) & plate.kept
    if not chosen.any():
        raise InputError(f"plate {plate.name} has no cell of a negative control that is kept; mark controls (impasto cells --negcon NAME)")
    middles, spreads = [], []
    for _, _, values in cells.blocks(plate.name):
        for row in values[:, chosen]:
            there = row[np.isfinite(row)]
            middle = float(np.median(there)) if len(there) else float("nan")
            middles.append(middle)
            spreads.append(_NORMAL * float(np.median(np.abs(there - middle))) if len(there) else float("nan"))
    return np.array(middles), np.array(spreads)


def _wells(
    cells: Cells, plate: Plate, scale: tuple[Numbers, Numbers], varies: npt.NDArray[np.bool_], *, only: frozenset[str] | None = None
) -> Iterator[tuple[str, Floats]]:
    """The kept cells of wells, standardised, a row group at a time. What was not measured is as in the controls."""
    features = [f for f, used in zip(cells.features, varies, strict=True) if used]
    middle, spread = (part[varies].astype(np.float32) for part in scale)
    for spans, values in cells.groups(plate, features=features):
        first = spans[0].start if spans else 0
        for span in spans:
            if only is None or span.well in only:
                own = values[:, span.start - first : span.stop - first].T[plate.kept[span.start : span.stop]]
                yield span.well, np.nan_to_num(np.clip((own - middle) / spread, -CLIP, CLIP), copy=False, nan=0.0)


def _covariance(cells: Cells, scales: dict[str, tuple[Numbers, Numbers]], varies: npt.NDArray[np.bool_]) -> Numbers:
    """Of the control cells of all plates, each centred on its well's median; summed well by well."""
    size = int(varies.sum())
    squares, total, count = np.zeros((size, size)), np.zeros(size), 0
    for name in progress.track(cells.plates, what="covariance of controls", unit="plates"):
        plate = cells.plate(name)
        chosen = control_cells(cells, plate)
        controls = frozenset(span.well for span in plate.spans if chosen[span.start : span.stop].any())
        for _, z in _wells(cells, plate, scales[name], varies, only=controls):
            if len(z):
                centred = z - np.median(z, axis=0)
                squares += centred.T @ centred
                total += centred.sum(axis=0, dtype=np.float64)
                count += len(z)
    return squares / count - np.outer(total / count, total / count)


def _axes(covariance: Numbers, components: int) -> Floats:
    """(features, k) the leading eigenvectors over the root of their eigenvalues, shrunk."""
    size = len(covariance)
    count = min(components, size)
    values, vectors = np.linalg.eigh(covariance)
    leading = np.argsort(values)[::-1][:count]
    return np.asarray(vectors[:, leading] / np.sqrt(np.maximum(values[leading], 0) + _SHRINK * values.mean()), dtype=np.float32)
