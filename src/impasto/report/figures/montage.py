"""Cells in rows: those chosen of a perturbation, any of it, and the controls of the same plates, all through one window a plate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from impasto.cells import crops
from impasto.cells.pixels import Pixels
from impasto.evaluation.exemplars import ANY, ANY_CONTROLS, CHOSEN, CONTROLS, ROW

_GAP = 2
"""White pixels between crops."""


def pictures(source: Pixels, table: pd.DataFrame, /, *, side: int) -> npt.NDArray[np.uint8]:
    """The crops of some cells in colour.

    Parameters
    ----------
    source
        What cuts them.
    table
        One row a cell, as `exemplars.choose` gives them.
    side
        Of a crop, in pixels.

    Returns
    -------
    npt.NDArray[np.uint8]
        (cells, side, side, 3).

    """
    channels = [c for c in crops.of_composite(source.channels) if c is not None]
    plates = [crops.short_name(place) for place in table.to_dict("records")]
    cut = source.cut(table, side=side, channels=channels)
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
    side = images.shape[1] + _GAP
    across = int(table[ROW].value_counts().max())
    picture = np.full((len(kinds) * side - _GAP, across * side - _GAP, 3), 255, dtype=np.uint8)
    for line, kind in enumerate(kinds):
        for place, number in enumerate(np.flatnonzero(table[ROW] == kind)):
            top, left = line * side, place * side
            picture[top : top + side - _GAP, left : left + side - _GAP] = images[number]
    return picture, kinds


def draw(table: pd.DataFrame, images: npt.NDArray[np.uint8], axes: Axes, /, *, perturbation: str, by: str) -> Axes:
    """Draw a montage.

    Parameters
    ----------
    table, images
        The cells and their crops.
    axes
        Where to draw.
    perturbation, by
        What is shown, and how its cells were chosen.

    Returns
    -------
    Axes
        The axes given.

    """
    picture, kinds = grid(table, images)
    side = images.shape[1] + _GAP
    axes.imshow(picture, interpolation="nearest")
    axes.set_yticks([line * side + side / 2 for line in range(len(kinds))], [of_kind(kind, perturbation, by) for kind in kinds])
    axes.set_xticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


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
