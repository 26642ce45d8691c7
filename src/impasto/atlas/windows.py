"""The brightness between which a channel of a plate is shown: from the 1 % to the 99.8 % point of the pixels of its control fields.

All pictures of a plate have this one window, so that two of them can be compared. A plate without images of negative controls takes the
fields of all its wells instead, and that is said.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.plates.read import BadImage
from impasto.plates.sites import plane_of

LOW, HIGH = 0.01, 0.998
FIELDS = 24
"""So many fields of a plate and channel are read at most, evenly over its wells."""
COLUMNS = (schema.PLATE, schema.CHANNEL, "low", "high", "of_controls", "scaled")
_LEVELS = 65_536


def of_planes(table: pd.DataFrame, root: str, controls: pd.DataFrame, /) -> tuple[pd.DataFrame, list[str]]:
    """The windows of all plates and channels.

    Parameters
    ----------
    table
        One row a plane, as `images.parquet`.
    root
        The folder that its paths are relative to.
    controls
        Plate and well of the negative controls.

    Returns
    -------
    windows : pandas.DataFrame
        One row a plate and channel: `low`, `high`, `of_controls` (whether control fields gave them) and `scaled` (whether the pixels are
        no whole numbers of 16 bits, and are shown as 65,536 steps of this window).
    sentences : list[str]
        Plates without control images, and fields that could not be read.

    """
    control = set(zip(controls[schema.PLATE].astype(str), controls[schema.WELL].astype(str), strict=True))
    is_control = np.array([place in control for place in zip(table[schema.PLATE], table[schema.WELL], strict=True)], dtype=bool)
    rows: list[tuple[object, ...]] = []
    sentences: list[str] = []
    bad = 0
    for (plate, channel), own in table.groupby([schema.PLATE, schema.CHANNEL], sort=True):
        of_controls = own[is_control[own.index]]
        chosen = of_controls if len(of_controls) else own
        pixels, failed = _read(chosen, root)
        bad += failed
        if not len(of_controls) and (not rows or rows[-1][0] != plate):
            sentences.append(f"Plate {plate} has no image of a negative control; its brightness is set by all its wells.")
        if pixels:
            rows.append((plate, channel, *window(pixels), bool(len(of_controls)), _is_scaled(pixels[0])))
    if bad:
        sentences.append(f"{bad} fields could not be read when the brightness was set.")
    return pd.DataFrame(rows, columns=list(COLUMNS)), sentences


def window(pixels: list[npt.NDArray[np.generic]], /) -> tuple[float, float]:
    """The 1 % and the 99.8 % point of the pixels of some fields.

    Parameters
    ----------
    pixels
        Fields (H, W) of one channel.

    Returns
    -------
    tuple[float, float]
        Low and high, high at least one step above low.

    """
    if _is_scaled(pixels[0]):
        values = np.concatenate([field.ravel() for field in pixels]).astype(np.float64)
        values = values[np.isfinite(values)]
        low, high = np.quantile(values, [LOW, HIGH]) if len(values) else (0.0, 1.0)
        return float(low), float(high) if high > low else float(low) + 1.0
    counts = np.zeros(_LEVELS, dtype=np.int64)
    for field in pixels:
        counts += np.bincount(field.ravel().astype(np.int64), minlength=_LEVELS)
    low, high = (_point(counts, share) for share in (LOW, HIGH))
    return low, max(high, low + 1.0)


def _point(counts: npt.NDArray[np.int64], share: float) -> float:
    """A quantile of whole numbers from how often each occurs: between two neighbouring pixels in order, as numpy's."""
    place = (counts.sum() - 1) * share
    before = np.cumsum(counts)
    first, second = (int(np.searchsorted(before, whole, side="right")) for whole in (np.floor(place), np.ceil(place)))
    return float(first + (second - first) * (place - np.floor(place)))


def _is_scaled(field: npt.NDArray[np.generic]) -> bool:
    return not (np.issubdtype(field.dtype, np.unsignedinteger) and field.dtype.itemsize <= 2)


def _read(rows: pd.DataFrame, root: str) -> tuple[list[npt.NDArray[np.generic]], int]:
    """The pixels of at most 24 of the planes, and how many of these could not be read."""
    at = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), FIELDS)).round().astype(int))
    pixels, failed = [], 0
    for row in rows.iloc[at].to_dict(orient="records"):
        try:
            pixels.append(plane_of(row, root=root))
        except BadImage:
            failed += 1
    return pixels, failed
