"""How long stages take on one core, by the sizes that headers tell. The factors were measured (`benchmarks/needs.py`).

Seconds of processor time, libraries included, times how much slower this machine is than the one that was measured (`pace`). What else runs
here makes a stage longer on the clock. What is not here has no law that holds within a factor of 2, or was not measured.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from impasto import pace
from impasto.profiles.shape import Shape
from impasto.stages.held import CellRows, Images


class Cost(NamedTuple):
    """Seconds at the start, of a row, of a value, and of all pairs of rows.

    Attributes
    ----------
    start
        Of the libraries.
    row, value
        Of each row, and of each value of the table.
    pair, product
        Of each pair of rows, and of each product of two values in it.
    most
        Rows of which pairs are made; of a larger table so many are drawn.

    """

    start: float
    row: float
    value: float
    pair: float = 0
    product: float = 0
    most: int = 2**62

    def seconds(self, seen: Shape, /) -> float:
        """Of a table on this machine.

        Parameters
        ----------
        seen
            Rows and features.

        Returns
        -------
        float
            Seconds of one core.

        """
        pairs = min(seen.rows, self.most) ** 2
        linear = self.row * seen.rows + self.value * seen.rows * seen.width
        return pace.slowness() * (self.start + linear + pairs * (self.pair + self.product * seen.width))


_CORRECTION = Cost(2.1, 0, 0.5e-6, 1e-8, 0.5e-10, most=20_000)
"""Reading, writing, and the receipt, which compares replicates before and after (`correction.receipt.ROWS_FOR_SIGNAL`)."""
_STEPS = {
    "select": 0.2e-6,
    "standardize": 0.1e-6,
    "clip": 0.1e-6,
    "sphering": 0.2e-6,
    "combat": 0.15e-6,
    "tvn": 0.0,
    "compress": 0.15e-6,
    "inverse_normal": 0.3e-6,
    "position": 0.8e-6,
}
"""Seconds of a value, beside. Harmony and Scanorama take as many rounds as the data need. Steps that train a net were not measured."""
_TASKS = {
    "hits": Cost(3.7, 1.5e-4, 0.7e-6),
    "replicates": Cost(3.7, 3e-3, 0.3e-6, 0, 0.5e-10),
    "percent-replicating": Cost(3.7, 0.6e-4, 0.25e-6),
    "grit": Cost(3.7, 0, 0.3e-6, 4.2e-7),
    "mechanism": Cost(5.0, 1.3e-3, 0.2e-6),
    "shortcuts": Cost(3.7, 2e-3, 0.3e-6),
    "sisters": Cost(3.7, 3.8e-3, 0.3e-6),
}
_TABLE = Cost(2.5, 0, 0.5e-6)
"""Of ingesting a table of profiles."""
_INDEX = Cost(21, 7.4e-3, 3e-6)
"""With the map, whose library compiles itself as it runs."""
_NET_START, _CHECKED, _READ = 5.5, 1.1e-7, 0.4e-7
"""Of the libraries of nets and the weights, of a pixel that is judged, and of a pixel that is read and made smaller."""
_PLANES = {"efficientnet_lite0": 0.08, "random": 0.08, "dinov2_s14": 0.36}
"""Of a crop of one plane through the net: .8 GFLOPs, most of them in narrow convolutions, and 12.2 in products of matrices."""
_INTENSITY = 2.2e-7
"""Of a pixel whose statistics are taken, its reading included."""
_IMAGE_FILE = 1e-4
"""Of an image that is listed and looked up."""
_CELLS_READ, _CELLS_POOLED, _CELLS_CHECKED = 3e-7, 3e-8, 5e-9
"""Of a value of a table of cells that is read, joined and written; of one that is pooled to wells; of one of a check."""


def of_correction(steps: Collection[str], seen: Shape, /) -> float | None:
    """Of a correction of one table.

    Parameters
    ----------
    steps
        The names of its methods.
    seen
        Rows and features.

    Returns
    -------
    float or None
        Seconds; None where a step was not measured.

    """
    if not steps or not _STEPS.keys() >= set(steps):
        return None
    own = sum(_STEPS[step] for step in steps)
    return _CORRECTION._replace(value=_CORRECTION.value + own).seconds(seen)


def of_task(task: str, seen: Shape, /) -> float | None:
    """Of a task on one table.

    Parameters
    ----------
    task
        Its name.
    seen
        Rows and features.

    Returns
    -------
    float or None
        Seconds; None where the task was not measured.

    """
    cost = _TASKS.get(task)
    return None if cost is None else cost.seconds(seen)


def of_index(seen: Shape, /) -> float:
    """Of an index with its map.

    Parameters
    ----------
    seen
        Rows and features.

    Returns
    -------
    float
        Seconds.

    """
    return _INDEX.seconds(seen)


def of_table(seen: Shape, /) -> float:
    """Of ingesting a table.

    Parameters
    ----------
    seen
        Rows and features.

    Returns
    -------
    float
        Seconds.

    """
    return _TABLE.seconds(seen)


def of_image_files(count: int, /) -> float:
    """Of ingesting images, which are listed and not read.

    Parameters
    ----------
    count
        How many.

    Returns
    -------
    float
        Seconds.

    """
    return pace.slowness() * (_TABLE.start + _IMAGE_FILE * count)


def of_check(images: Images, /) -> float:
    """Of judging images.

    Parameters
    ----------
    images
        How many pixels.

    Returns
    -------
    float
        Seconds.

    """
    return pace.slowness() * (_TABLE.start + _CHECKED * images.pixels)


def of_encoder(encoder: str, images: Images, /, *, crops: int) -> float | None:
    """Of images through an encoder.

    Parameters
    ----------
    encoder
        Its name.
    images
        How many, and how large.
    crops
        Of a site.

    Returns
    -------
    float or None
        Seconds; None for an encoder that was not measured.

    """
    if encoder == "intensity":
        return pace.slowness() * (_NET_START + _INTENSITY * images.pixels)
    if encoder not in _PLANES:
        return None
    planes = images.sites * images.channels * crops
    return pace.slowness() * (_NET_START + _READ * images.pixels + _PLANES[encoder] * planes)


def of_tables_of_cells(values: float, /) -> float:
    """Of tables of cells into a folder of cells.

    Parameters
    ----------
    values
        How many they hold.

    Returns
    -------
    float
        Seconds.

    """
    return pace.slowness() * (_TABLE.start + _CELLS_READ * values)


def of_cells(cells: CellRows, /, *, checked: bool) -> float:
    """Of pooling cells to wells, or of judging them.

    Parameters
    ----------
    cells
        How many, of how many features.
    checked
        Whether they are judged.

    Returns
    -------
    float
        Seconds.

    """
    of_value = _CELLS_CHECKED if checked else _CELLS_POOLED
    return pace.slowness() * (_TABLE.start + of_value * cells.rows * cells.width)
