"""Chosen cells as one picture: a row for each kind of cell, all of a plate through one window of brightness."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.cells import crops
from impasto.cells.pixels import Pixels
from impasto.evaluation.exemplars import ANY, ANY_CONTROLS, CHOSEN, CONTROLS, ROW

GAP = 2
"""White pixels between crops."""


def pictures(source: Pixels, table: pd.DataFrame, /, *, side: int, masked: bool = False) -> npt.NDArray[np.uint8]:
    """The crops of some cells in colour.

    Parameters
    ----------
    source
        What cuts them.
    table
        One row a cell, as `exemplars.choose` gives them.
    side
        Of a crop, in pixels.
    masked
        Whether the neighbours of each cell are black.

    Returns
    -------
    npt.NDArray[np.uint8]
        (cells, side, side, 3).

    """
    channels = [c for c in crops.of_composite(source.channels) if c is not None]
    plates = [crops.short_name(place) for place in table.to_dict("records")]
    cut = source.cut(table, side=side, channels=channels, masked=masked)
    return crops.in_colour(cut, plates, source.windows(sorted(set(plates)), channels))


def grid(table: pd.DataFrame, images: npt.NDArray[np.uint8], /) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Crops laid out, one row a kind of cell.

    Parameters
    ----------
    table
        The cells; `row` says the kind of each.
    images
        (cells, side, side, 3).

    Returns
    -------
    picture : npt.NDArray[np.uint8]
        (rows, columns, 3), white between crops.
    kinds
        The kind of each row, from the top.

    """
    kinds = [kind for kind in (CHOSEN, ANY, CONTROLS, ANY_CONTROLS) if (table[ROW] == kind).any()]
    side = images.shape[1] + GAP
    across = int(table[ROW].value_counts().max())
    picture = np.full((len(kinds) * side - GAP, across * side - GAP, 3), 255, dtype=np.uint8)
    for line, kind in enumerate(kinds):
        for place, number in enumerate(np.flatnonzero(table[ROW] == kind)):
            top, left = line * side, place * side
            picture[top : top + side - GAP, left : left + side - GAP] = images[number]
    return picture, kinds


def of_kind(kind: str, perturbation: str, by: str, /) -> str:
    """What a row of cells shows.

    Parameters
    ----------
    kind
        As `exemplars` names it.
    perturbation, by
        Whose cells, and how they were chosen.

    Returns
    -------
    str
        In words.

    """
    words = {
        CHOSEN: f"{perturbation}: {by}",
        ANY: f"{perturbation}: random",
        CONTROLS: "controls: nearest",
        ANY_CONTROLS: "controls: random",
    }
    return words[kind]


def jpeg(picture: npt.NDArray[np.uint8], /) -> bytes:
    """A picture as a file.

    Parameters
    ----------
    picture
        (H, W, 3).

    Returns
    -------
    bytes
        Of a JPEG.

    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=82)
    return file.getvalue()
