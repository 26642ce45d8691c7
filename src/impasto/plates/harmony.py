"""Harmony's index of an Opera Phenix or Operetta plate: the names of its channels and the plate's own name.

Harmony 4.1 to 6 (`Index.idx.xml`) name the channel in every image, Harmony 7 (`Index.xml`) in `Maps`. An index of 27,648 images is
25 MB and more: it is read until the second well, by when every channel has been named.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd

from impasto import border, remote
from impasto.plates import files
from impasto.plates.columns import coded_rows, recoded

_WITHOUT = "move it away and name the channels: --channel ch1=DNA --channel ch2=ER"
_NAMES = ("index.idx.xml", "index.xml")
_TECHNICAL = re.compile(r"^(images?|flex)$", re.IGNORECASE)


def apply(frame: pd.DataFrame, /) -> dict[str, str]:
    """Name the channels of planes by the indexes that lie with them.

    Parameters
    ----------
    frame
        Planes with `base` (the folder of the plate's images), `number` and `channel`; `channel` is replaced where an index names it.

    Returns
    -------
    dict[str, str]
        Base -> the plate's own name (PlateID), for those whose index has one.

    Raises
    ------
    InputError
        An index cannot be read.

    """
    identities: dict[str, str] = {}
    names: dict[tuple[str, int], str] = {}
    for base in frame["base"].array.categories:
        index = index_of(Path(base))
        if index is not None:
            channels, identities[base] = read(index)
            names |= {(base, number): name for number, name in channels.items()}
    code, several = coded_rows(frame, ["base", "number", "channel"])
    shown = {n: names.get((base, int(number or 0)), channel) for n, (base, number, channel) in enumerate(several)}
    frame["channel"] = recoded(code, shown)
    return {base: plate for base, plate in identities.items() if plate}


def index_of(folder: Path, /) -> Path | None:
    """The index that lies with a plate's images: in their folder, in its `Images`, or above a technical folder.

    Parameters
    ----------
    folder
        Of the images, local or remote.

    Returns
    -------
    Path | None
        Of the index; None where there is none.

    """
    places = [folder, folder / "Images"]
    up = folder if remote.url(folder) else Path(os.path.abspath(folder))
    while _TECHNICAL.match(up.name):
        up = up.parent
        places.append(up)
    for place in map(files.folder, places):
        if place.is_dir():
            inside = {name.lower(): name for name in os.listdir(place)}
            for name in _NAMES:
                if name in inside:
                    return place / inside[name]
    return None


def read(index: Path, /) -> tuple[dict[int, str], str]:
    """Read an index as far as it names channels.

    Parameters
    ----------
    index
        The file.

    Returns
    -------
    names : dict[int, str]
        Number of a channel -> its name.
    plate : str
        The PlateID; `""` where there is none.

    Raises
    ------
    InputError
        The index is not XML, or no file.

    """
    names: dict[int, str] = {}
    plate, first_well = "", None
    with border.reading(index, "Harmony index in XML", remedy=_WITHOUT):
        for _, element in ET.iterparse(index):
            tag = element.tag.rpartition("}")[2]
            if tag == "PlateID" and not plate:
                plate = (element.text or "").strip()
            parts = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
            # A text about the flat field says "ChannelName: ..." too; only an element of that name counts.
            number = parts.get("ChannelID") or element.get("ChannelID")
            if number and number.isdecimal() and parts.get("ChannelName"):
                names.setdefault(int(number), parts["ChannelName"])
            if tag == "Image" and "Row" in parts:
                well = (parts["Row"], parts.get("Col"))
                first_well = first_well or well
                if well != first_well and names:
                    break
                element.clear()
    return names, plate
