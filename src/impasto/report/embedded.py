"""What a report carries of an index, so that the explorer works within one file: tables, cards, neighbours, reasons, and some pictures.

The page asks for it by the same questions that it asks the server, so the answers are those of `explorer`. Pictures are crops of the middle
of a field: 8 bits of the square root of brightness, over 1.5 windows of the plate and channel. A report carries the wells of the first
hits and some negative controls of each plate.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from impasto import schema, texts
from impasto.atlas import arrow_files, folder
from impasto.atlas.consensus import TREATED_AS
from impasto.atlas.index import open_index
from impasto.explorer import about, cards, fields, structure, why
from impasto.explorer import near as neighbours
from impasto.explorer.contents import Contents, open_contents
from impasto.explorer.pixels import Box, Planes
from impasto.progress import say
from impasto.schema import InputError

SIDE = 224
"""Of a crop, in pixels."""
QUALITY = 75
HEADROOM = 1.5
"""A crop keeps brightness up to so many windows."""
MOST_HITS, WELLS_A_HIT, CONTROLS_A_PLATE = 200, 2, 8
MOST_CARDS = 2000
TOP, REASONS = 12, 3
"""So many neighbours of each are carried, and the reasons for so many of them."""
BUNDLE = ("app.js", "app.css")
Answers = dict[int, dict[str, Any]]


@dataclass(frozen=True)
class Carried:
    """An open index, and the answers that are worked out once for the table of hits and for the page.

    Attributes
    ----------
    contents
        Of the index.
    rows
        The rows of perturbations whose neighbours are carried: hits first, then by p.
    near
        Row -> its neighbours.

    """

    contents: Contents
    rows: list[int]
    near: Answers


def bundle() -> tuple[str, str] | None:
    """The script and the style of the explorer.

    Returns
    -------
    tuple[str, str] | None
        None where the explorer was not built.

    """
    files = [resources.files("impasto.explorer").joinpath("static", name) for name in BUNDLE]
    return (texts.read(files[0]), texts.read(files[1])) if all(file.is_file() for file in files) else None


def carried(index: Path, /) -> Carried | None:
    """Open an index and look up the neighbours of what a report shows.

    Parameters
    ----------
    index
        The folder of an index.

    Returns
    -------
    Carried | None
        None for an index of an earlier version.

    """
    opened = open_index(index)
    if folder.described(index)["version"] != folder.VERSION:
        return None
    contents = open_contents(opened)
    rows = _first_rows(contents)
    space = next(iter(contents.spaces))
    return Carried(contents, rows, {row: neighbours.near(contents, row, space=space, top=TOP) for row in rows})


def _first_rows(contents: Contents) -> list[int]:
    """Compounds and doses that are treated, hits first and then by p; as many as are carried."""
    table = contents.tables.get("hits")
    order = pd.DataFrame({"row": np.arange(len(contents.rows))})
    for column, worst in (("hit", False), ("p", np.inf)):
        known = table.dropna(subset=["row"]).set_index("row")[column].to_dict() if table is not None and column in table else {}
        order[column] = [known.get(row, worst) for row in order["row"]]
    order["hit"] = ~order["hit"].astype(bool)
    ranked = order[~contents.negative].sort_values(["hit", "p", "row"], kind="stable")["row"].tolist()
    compounds = [cards.compound_row(contents, row) for row in ranked]
    return list(dict.fromkeys(row for pair in zip(ranked, compounds, strict=True) for row in pair))[:MOST_CARDS]


def near_table(kept: Carried, /) -> pd.DataFrame:
    """The neighbours of each tested perturbation.

    Parameters
    ----------
    kept
        What `carried` gave.

    Returns
    -------
    pandas.DataFrame
        Columns perturbation (as it was tested), neighbour (its name) and q, best first.

    """
    tested = kept.contents.rows[TREATED_AS].astype(str)
    rows = [
        (tested.iloc[row], neighbours.name_of(kept.contents, answer["row"]), answer["q"])
        for row in kept.rows
        for answer in kept.near[row]["rows"][:REASONS]
    ]
    return pd.DataFrame(rows, columns=["perturbation", "neighbour", "q"])


def data(kept: Carried, /) -> str:
    """All that the page is given, as JSON that may stand in a `<script>`.

    Parameters
    ----------
    kept
        What `carried` gave.

    Returns
    -------
    str
        JSON without `<`. It says no warning: a report opens with them.

    """
    contents = kept.contents
    said = about.about(contents, questions=[])
    said["warnings"] = []
    if said["hits"]:
        said["hits"]["downloads"] = []  # they stand above the explorer
    compounds = list(dict.fromkeys(cards.compound_row(contents, row) for row in kept.rows))
    images, pictures = _pictures(kept, said)
    values = {
        "format": 1,
        "about": said,
        "columns": {level: base64.b64encode(arrow_files.content(contents.table(level))).decode() for level in folder.LEVELS},
        "cards": {row: cards.card(contents, row) for row in compounds},
        "near": kept.near,
        "why": _reasons(kept),
        "structures": _structures(contents, compounds),
        "images": images,
        "pictures": pictures,
    }
    return json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _reasons(kept: Carried) -> dict[str, dict[str, Any]]:
    if not why.has_names(kept.contents):
        return {}
    pairs = [(row, answer["row"]) for row in kept.rows for answer in kept.near[row]["rows"][:REASONS]]
    return {f"{a}/{b}": why.why(kept.contents, a, b) for a, b in pairs}


def _structures(contents: Contents, rows: list[int]) -> dict[int, str]:
    if schema.SMILES not in contents.rows or not structure.can_draw():
        return {}
    drawn = {}
    for row in rows:
        written = contents.rows[schema.SMILES].iloc[row]
        if isinstance(written, str) and written:
            try:
                drawn[row] = structure.svg(written, dark=False)
            except InputError:  # the server says so where one is asked for; the page leaves it out
                continue
    return drawn


# ---------------------------------------------------------------- pictures
def _pictures(kept: Carried, said: Mapping[str, Any]) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """Number of a plate -> its fields that are carried; row of an image -> its crop. A plane that cannot be read is left out, and said."""
    table, windows = kept.contents.tables.get("images"), kept.contents.tables.get("windows")
    if table is None:
        return {}, {}
    planes = Planes(table, pd.DataFrame() if windows is None else windows, str(kept.contents.facts.get("image_root", "")))
    chosen = _chosen_wells(kept)
    images: dict[int, dict[str, Any]] = {}
    pictures: dict[int, dict[str, Any]] = {}
    unread = 0
    for number, plate in enumerate(kept.contents.plates):
        whole = fields.of_plate(kept.contents, plate)
        ranges = said["windows"].get(plate, [None] * len(said["channels"]))
        own: dict[str, list[Any]] = {"well": [], "site": [], "image": []}
        for well, site, rows in zip(whole["well"], whole["site"], whole["image"], strict=True):
            if (plate, well) not in chosen or well in own["well"]:
                continue
            crops = [_crop(planes, row, ends) for row, ends in zip(rows, ranges, strict=True)]
            unread += sum(row is not None and crop is None for row, crop in zip(rows, crops, strict=True))
            pictures |= {row: crop for row, crop in zip(rows, crops, strict=True) if row is not None and crop is not None}
            kept_rows = [row if crop is not None else None for row, crop in zip(rows, crops, strict=True)]
            if any(row is not None for row in kept_rows):
                own["well"].append(well)
                own["site"].append(site)
                own["image"].append(kept_rows)
        if own["well"]:
            images[number] = {**own, "width": SIDE, "height": SIDE}
    if unread:
        say(f"{unread} planes of the report's pictures cannot be read and are left out")
    return images, pictures


def _chosen_wells(kept: Carried) -> set[tuple[str, str]]:
    """Two wells, of two plates where there are, of each of the first compounds and doses; eight negative controls a plate."""
    contents = kept.contents
    rows = contents.well_rows
    places = list(zip(rows[schema.PLATE].astype(str), rows[schema.WELL].astype(str), strict=True))
    table = contents.tables["images"]
    imaged = set(zip(table[schema.PLATE].astype(str), table[schema.WELL].astype(str), strict=True))
    chosen: set[tuple[str, str]] = set()
    for row in kept.rows[:MOST_HITS]:
        own = [places[well] for well in contents.members(row) if places[well] in imaged]
        plates = list(dict.fromkeys(plate for plate, _ in own))
        one_a_plate = [next(place for place in own if place[0] == plate) for plate in plates]
        chosen.update([*one_a_plate, *(place for place in own if place not in one_a_plate)][:WELLS_A_HIT])
    for plate in contents.plates:
        controls = [place for place, is_control in zip(places, contents.is_control_well, strict=True) if is_control and place[0] == plate]
        chosen.update([place for place in controls if place in imaged][:CONTROLS_A_PLATE])
    return chosen


def _crop(planes: Planes, row: int | None, ends: list[float] | None) -> dict[str, Any] | None:
    if row is None or ends is None:
        return None
    try:
        height, width = planes.plane(row).shape
        box = Box(max(0, (width - SIDE) // 2), max(0, (height - SIDE) // 2), SIDE, SIDE)
        pixels = planes.part(row, box=box, shrink=0)
    except InputError:
        return None
    low, high = ends[0], ends[0] + HEADROOM * (ends[1] - ends[0])
    file = io.BytesIO()
    Image.fromarray(encoded(pixels, low=low, high=high)).save(file, "WEBP", quality=QUALITY, method=4)
    return {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "low": low,
        "high": high,
        "webp": base64.b64encode(file.getvalue()).decode(),
    }


def encoded(pixels: npt.NDArray[np.uint16], /, *, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Brightness as 8 bits of its square root.

    Parameters
    ----------
    pixels
        (h, w).
    low, high
        What 0 and 255 stand for.

    Returns
    -------
    npt.NDArray[np.uint8]
        (h, w); e stands for low + (e / 255)² (high - low).

    """
    share = np.clip((pixels.astype(np.float64) - low) / max(high - low, 1e-9), 0, 1)
    return np.asarray((255 * np.sqrt(share)).round(), dtype=np.uint8)
