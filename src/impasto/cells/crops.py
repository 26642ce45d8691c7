"""Crops of cells, cut on demand: a site is decoded once, at its own scale, and what lies beyond the field is masked.

Neighbours stay, or are zeroed where outlines say which pixels are theirs.

Brightness is shown through one window a plate and channel, so that crops of one plate can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.cells import quality
from impasto.cells.columns import WORDS
from impasto.cells.folder import Cells
from impasto.cells.outlines import Outlines
from impasto.cells.segment import Labels
from impasto.plates.sites import Sites
from impasto.schema import InputError

STAINS = (("Mito", "Actin", "AGP"), ("ER", "AGP", "RNA", "Tubulin", "GFP"), ("DNA",))
"""Red, green and blue of a picture: the first stain of each that the images have."""
WINDOW = (1.0, 99.7)
"""Percentiles of a field that are black and full."""
_STEP, _ACROSS, _SIDE = 16, 3.0, 112
CENTER = ["center_x", "center_y"]


@dataclass(frozen=True)
class Crops:
    """Crops of some cells.

    Attributes
    ----------
    pixels
        (cells, channels, side, side) in the files' own type.
    inside
        (cells, side, side) False beyond the field.
    channels
        In order.

    """

    pixels: npt.NDArray[np.generic]
    inside: npt.NDArray[np.bool_]
    channels: tuple[str, ...]


def of_composite(channels: Sequence[str], /) -> list[str | None]:
    """The stains shown in red, green and blue.

    Parameters
    ----------
    channels
        Of the images.

    Returns
    -------
    list[str | None]
        Three; None for a colour without a stain.

    """
    chosen: list[str | None] = []
    for wanted in STAINS:
        chosen.append(next((c for c in wanted if c in channels and c not in chosen), None))
    return chosen


def in_words(channels: Sequence[str], side: int, /) -> str:
    """What a composite shows.

    Parameters
    ----------
    channels
        Of the images.
    side
        Of a crop, in pixels.

    Returns
    -------
    str
        `red Mito, green ER, blue DNA; 112 pixels across`.

    """
    named = zip(("red", "green", "blue"), of_composite(channels), strict=True)
    return f"{', '.join(f'{colour} {stain}' for colour, stain in named if stain is not None)}; {side} pixels across"


def side_of(cells: Cells, /) -> int:
    """How large crops are: the next multiple of 16 above three diameters of a nucleus.

    Parameters
    ----------
    cells
        A folder of cells.

    Returns
    -------
    int
        Pixels; 112 where no feature says the area of a nucleus.

    """
    area = quality.measures_of(cells.features).area
    if area is None or not cells.plates:
        return _SIDE
    plate = cells.plate(cells.plates[0])
    _, values = next(cells.groups(plate, features=[area]))
    usual = float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")
    return _SIDE if not np.isfinite(usual) else side_for(np.sqrt(usual * 4 / np.pi))


def side_for(diameter: float, /) -> int:
    """How large crops are, by the diameter of a nucleus.

    Parameters
    ----------
    diameter
        In pixels.

    Returns
    -------
    int
        Pixels.

    """
    return int(_STEP * np.ceil(_ACROSS * diameter / _STEP))


def cut(sites: Sites, table: pd.DataFrame, /, *, side: int, channels: Sequence[str], outlines: Outlines | None = None) -> Crops:
    """Cut crops.

    Parameters
    ----------
    sites
        Ingested images of the same plates.
    table
        One row a cell: its place, its number, and the centre of its nucleus.
    side
        Of a crop, in pixels.
    channels
        Which.
    outlines
        Of all cells, where the neighbours of each are zeroed.

    Returns
    -------
    Crops
        In the order of the table.

    Raises
    ------
    InputError
        A cell has no centre, or its site is not among the images.

    """
    if table[CENTER].isna().any(axis=None):
        raise InputError(
            "some of these cells have no centre, so they cannot be cut out; export Location_Center_X and _Y of nuclei or cells"
        )
    number_of = {
        tuple(place): number for number, place in enumerate(sites.table[list(WORDS)].astype(str).itertuples(index=False, name=None))
    }
    pixels: list[npt.NDArray[np.generic] | None] = [None] * len(table)
    inside = np.zeros((len(table), side, side), dtype=bool)
    rows_of_place = table.reset_index(drop=True).groupby([table[w].astype(str).to_numpy() for w in WORDS], sort=False).indices
    for place, rows in rows_of_place.items():
        if place not in number_of:
            words = ", ".join(f"{word} {value}" for word, value in zip(WORDS, place, strict=True) if value)
            raise InputError(f"{sites.folder} holds no image of {words}; give the ingested images of these cells: --images INGESTED")
        image = sites.image(number_of[place], channels)
        labels = outlines.of(place) if outlines is not None else None
        for row in rows:
            center = table[CENTER].iloc[int(row)].to_numpy(dtype=float)
            crop, inside[int(row)] = around(image, center, side)
            pixels[int(row)] = crop if labels is None else alone(crop, labels, center, int(table[schema.OBJECT].iloc[int(row)]))
    return Crops(np.stack([p for p in pixels if p is not None]), inside, tuple(channels))


def around(
    image: npt.NDArray[np.generic], center: npt.NDArray[np.float64], side: int, /
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]]:
    """One crop of a field.

    Parameters
    ----------
    image
        (C, H, W).
    center
        X and Y of its middle.
    side
        In pixels.

    Returns
    -------
    crop : npt.NDArray[np.generic]
        (C, side, side), 0 beyond the field.
    inside : npt.NDArray[np.bool_]
        (side, side) where it lies in the field.

    """
    left, top = (int(np.floor(c)) - side // 2 for c in center)
    height, width = image.shape[1:]
    rows, columns = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
    crop, inside = np.zeros((len(image), side, side), dtype=image.dtype), np.zeros((side, side), dtype=bool)
    if rows.stop > rows.start and columns.stop > columns.start:
        within = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
        crop[:, within[0], within[1]] = image[:, rows, columns]
        inside[within] = True
    return crop, inside


def alone(crop: npt.NDArray[np.generic], labels: Labels, center: npt.NDArray[np.float64], number: int, /) -> npt.NDArray[np.generic]:
    """A crop without the neighbours of its cell.

    Parameters
    ----------
    crop
        (C, side, side), as `around` cut it.
    labels
        (H, W) of all cells of the field.
    center
        X and Y of the crop's middle.
    number
        The label of the cell.

    Returns
    -------
    npt.NDArray[np.generic]
        (C, side, side), 0 where another cell lies. What is of no cell stays.

    """
    own = around(labels[None], center, crop.shape[-1])[0][0]
    return np.where((own == 0) | (own == number), crop, np.zeros((), dtype=crop.dtype))


def windows(sites: Sites, plates: Sequence[str], channels: Sequence[str], /, *, fields: int = 8) -> dict[str, npt.NDArray[np.float64]]:
    """What is black and what is full on each plate.

    Parameters
    ----------
    sites
        Ingested images.
    plates
        Names, as `sites.plates()` gives them.
    channels
        Which.
    fields
        How many fields of a plate are looked at.

    Returns
    -------
    dict[str, npt.NDArray[np.float64]]
        Plate -> (channels, 2): medians over fields of two percentiles.

    """
    limits = {}
    for plate in plates:
        numbers = sites.of_plate(plate)
        spaced = numbers[np.unique(np.linspace(0, len(numbers) - 1, min(fields, len(numbers))).astype(np.intp))]
        of_fields = [
            np.percentile(sites.image(int(n), channels).reshape(len(channels), -1).astype(np.float64), WINDOW, axis=1).T for n in spaced
        ]
        limits[plate] = np.asarray(np.median(np.stack(of_fields), axis=0))
    return limits


def in_colour(crops: Crops, plates: Sequence[str], limits: Mapping[str, npt.NDArray[np.float64]], /) -> npt.NDArray[np.uint8]:
    """Crops as pictures; what lies beyond the field is grey.

    Parameters
    ----------
    crops
        In the channels of `limits`.
    plates
        The plate of each.
    limits
        As `windows` gives them.

    Returns
    -------
    npt.NDArray[np.uint8]
        (cells, side, side, 3).

    """
    side = crops.pixels.shape[-1]
    pictures = np.zeros((len(crops.pixels), side, side, 3), dtype=np.uint8)
    stains = of_composite(crops.channels)
    for number, plate in enumerate(plates):
        for colour, stain in enumerate(stains):
            if stain is not None:
                channel = crops.channels.index(stain)
                low, high = limits[plate][channel]
                light = (crops.pixels[number, channel].astype(np.float64) - low) / max(high - low, 1e-9)
                pictures[number, ..., colour] = (255 * np.clip(light, 0, 1) ** 0.8).astype(np.uint8)
        pictures[number][~crops.inside[number]] = 96
    return pictures


def short_name(place: Mapping[str, object], /) -> str:
    """The name of a plate as `Sites.plates` and `Cells.plates` give it.

    Parameters
    ----------
    place
        Source, batch and plate by their words.

    Returns
    -------
    str
        `source/batch/plate`, as far as those are known.

    """
    return "/".join(filter(None, (str(place[word]) for word in (schema.SOURCE, schema.BATCH, schema.PLATE))))
