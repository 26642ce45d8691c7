"""What is measured of each cell of an image: shape of cell, cytoplasm and nucleus, brightness of each channel in them, focus of the rim.

Names are CellProfiler's. Pixels are divided by the largest value of their type, as CellProfiler does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from impasto.cellprofiler_tables import LOCATION, OBJECT
from impasto.cells import columns
from impasto.cells.columns import BIT, BITS, EDGE, SATURATED
from impasto.cells.quality import STEEPNESS
from impasto.cells.segment import Labels, Objects, Plane, steepness

Numbers = npt.NDArray[np.float64]
COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei")
MOST_SATURATED = 0.05
"""Share of a cell's pixels at the top of their type, in any channel."""
_SHAPES = {
    "area": "Area",
    "eccentricity": "Eccentricity",
    "extent": "Extent",
    "major_axis_length": "MajorAxisLength",
    "minor_axis_length": "MinorAxisLength",
    "perimeter": "Perimeter",
    "solidity": "Solidity",
}
SHAPES = tuple(f"AreaShape_{name}" for name in (*_SHAPES.values(), "FormFactor"))
"""What `shapes` measures, without the compartment."""


class More(Protocol):
    """Further measurements of the cells of a site."""

    def names(self, channels: Sequence[str], /) -> list[str]:
        """The names of its features.

        Parameters
        ----------
        channels
            Of the images.

        Returns
        -------
        list[str]
            In order.

        """
        ...

    def of_site(self, planes: Mapping[str, Plane], objects: Objects, /, *, centers: Numbers, windows: Numbers, side: int) -> Numbers:
        """Measure the cells of a site.

        Parameters
        ----------
        planes
            Channel -> (H, W).
        objects
            The labels of the cells.
        centers
            (cells, 2) of their nuclei, X first.
        windows
            (channels, 2) what is black and what is full on the plate.
        side
            Of a crop around a cell, in pixels.

        Returns
        -------
        Numbers
            (cells, names).

        """
        ...


def names(channels: Sequence[str], /) -> list[str]:
    """All columns of `of_site`, in order.

    Parameters
    ----------
    channels
        Of the images.

    Returns
    -------
    list[str]
        The number, the bits, centre and box, then features.

    """
    of_shape = [f"{part}_{name}" for part in COMPARTMENTS for name in SHAPES]
    lights = [
        f"{part}_Intensity_{measure}_{channel}"
        for part in COMPARTMENTS
        for channel in channels
        for measure in ("IntegratedIntensity", "MeanIntensity", "StdIntensity")
    ]
    return [OBJECT, BITS, *LOCATION, *columns.BOUNDING_BOX, *of_shape, *lights, STEEPNESS]


def of_site(planes: Mapping[str, Plane], objects: Objects, /, *, diameter: float) -> Numbers:
    """Measure the cells of a site.

    Parameters
    ----------
    planes
        Channel -> (H, W), DNA among them.
    objects
        Its labels.
    diameter
        Of a nucleus in pixels.

    Returns
    -------
    Numbers
        (cells, columns of `names`) NaN where a cell has no pixel of a compartment.

    """
    count = objects.count
    whole = dict.fromkeys(names(list(planes)), np.full(count, np.nan))
    whole[OBJECT] = np.arange(1, count + 1, dtype=np.float64)
    if not count:
        return np.stack(list(whole.values()), axis=1)
    labels = dict(zip(COMPARTMENTS, (objects.cells, objects.cytoplasm, objects.nuclei), strict=True))
    for part, own in labels.items():
        whole |= {f"{part}_{name}": values for name, values in shapes(own, count).items()}
        for channel, plane in planes.items():
            for name, values in _lights(scaled(plane), own, count):
                whole[f"{part}_Intensity_{name}_{channel}"] = values
    whole[STEEPNESS] = steepness(planes["DNA"], objects.nuclei, diameter)
    centers, boxes = _places(objects)
    whole |= dict(zip(LOCATION, centers.T, strict=True)) | dict(zip(columns.BOUNDING_BOX, boxes.T, strict=True))
    whole[BITS] = _bits(planes, objects.cells, boxes)
    return np.stack(list(whole.values()), axis=1)


def scaled(plane: Plane, /) -> npt.NDArray[np.float32]:
    """Pixels over the largest value of their type; real numbers above 1 over 65535.

    Parameters
    ----------
    plane
        Pixels of any shape.

    Returns
    -------
    npt.NDArray[np.float32]
        The same shape, 0 to 1.

    """
    if np.issubdtype(plane.dtype, np.integer):
        return (plane.astype(np.float32) / np.iinfo(str(plane.dtype)).max).astype(np.float32)
    real = plane.astype(np.float32)
    return np.clip(real if real.max(initial=0) <= 1 else real / 65535, 0, 1)


def shapes(labels: Labels, count: int, /) -> dict[str, Numbers]:
    """The shapes of labels.

    Parameters
    ----------
    labels
        (H, W), 0 for none.
    count
        The largest label that may be there.

    Returns
    -------
    dict[str, Numbers]
        Each of `SHAPES` -> (count,) in pixels, NaN where a label has no pixel.

    """
    from skimage.measure import regionprops_table

    whole = {name: np.full(count, np.nan) for name in SHAPES}
    if labels.any():
        table = regionprops_table(labels, properties=("label", *_SHAPES))
        at = table["label"].astype(np.intp) - 1
        for key, name in _SHAPES.items():
            whole[f"AreaShape_{name}"][at] = table[key]
        with np.errstate(divide="ignore", invalid="ignore"):
            form = 4 * np.pi * table["area"] / table["perimeter"] ** 2
        whole["AreaShape_FormFactor"][at] = np.where(table["perimeter"] > 0, form, np.nan)
    return whole


def _lights(plane: npt.NDArray[np.float32], labels: Labels, count: int) -> Iterator[tuple[str, Numbers]]:
    own = labels.ravel()
    size = np.bincount(own, minlength=count + 1)[1:].astype(np.float64)
    light = plane.ravel().astype(np.float64)
    total = np.bincount(own, light, minlength=count + 1)[1:]
    square = np.bincount(own, light**2, minlength=count + 1)[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / size
        spread = np.sqrt(np.maximum(square / size - mean**2, 0))
    yield "IntegratedIntensity", np.where(size > 0, total, np.nan)
    yield "MeanIntensity", mean
    yield "StdIntensity", spread


def _places(objects: Objects) -> tuple[Numbers, Numbers]:
    """(cells, 2) centre of each nucleus, X first; (cells, 4) half-open box of each cell: X0, Y0, X1, Y1."""
    from scipy import ndimage

    index = np.arange(1, objects.count + 1)
    centers = np.array(ndimage.center_of_mass(objects.nuclei > 0, objects.nuclei, index))[:, ::-1]
    slices = ndimage.find_objects(objects.cells)
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in slices]
    return centers, np.array(boxes, dtype=np.float64)


def _bits(planes: Mapping[str, Plane], cells: Labels, boxes: Numbers) -> Numbers:
    """Which cells lie at the border of the field, and which have pixels at the top of their type."""
    height, width = cells.shape
    edge = (boxes[:, 0] <= 0) | (boxes[:, 1] <= 0) | (boxes[:, 2] >= width) | (boxes[:, 3] >= height)
    size = np.bincount(cells.ravel(), minlength=len(boxes) + 1)[1:]
    saturated = np.zeros(len(boxes), dtype=bool)
    for plane in planes.values():
        if np.issubdtype(plane.dtype, np.integer):
            top = np.bincount(cells.ravel(), (plane == np.iinfo(str(plane.dtype)).max).ravel(), minlength=len(boxes) + 1)[1:]
            saturated |= top > MOST_SATURATED * size
    return np.where(edge, BIT[EDGE], 0) + np.where(saturated, BIT[SATURATED], 0).astype(np.float64)
