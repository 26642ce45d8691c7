"""Opera Phenix and Operetta folders: `r01c01f01p01-ch1sk1fk1fl1.tiff`, with or without `Index.idx.xml`.

The XML names the channels; without it they are `ch1`, `ch2`..., and the user says which stain each is. One plane in depth is
read: a folder with several (`p01`, `p02`...) is refused unless the user picks one, since a silent projection changes pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from impasto.plates.planes import Plane
from impasto.schema import InputError, format_well

NAME = re.compile(
    r"^r(?P<row>\d+)c(?P<column>\d+)f(?P<field>\d+)p(?P<depth>\d+)-ch(?P<channel>\d+)sk(?P<time>\d+)fk\d+fl\d+\.tiff?$", re.IGNORECASE
)


def fits(folder: Path) -> bool:
    """Whether a folder (or its Images folder) holds such files."""
    return any(NAME.match(p.name) for p in _files(folder))


def planes(folder: Path, /, *, depth: int | None = None) -> Iterator[Plane]:
    """The planes of one plate's folder; the plate is the folder's name, or the one above `Images`.

    Raises InputError where there are several depths or time points and none was chosen.
    """
    matches = [(path, found) for path in _files(folder) if (found := NAME.match(path.name))]
    depths = sorted({int(m["depth"]) for _, m in matches})
    times = sorted({int(m["time"]) for _, m in matches})
    if len(times) > 1:
        raise InputError(f"{folder} holds {len(times)} time points (sk{times[0]} to sk{times[-1]}); ingest each as a plate of its own")
    if depth is None and len(depths) > 1:
        middle = depths[len(depths) // 2]
        raise InputError(f"{folder} holds {len(depths)} planes in depth ({depths[0]} to {depths[-1]}); choose one with --depth {middle}")
    names = channel_names(folder)
    plate = folder.parent.name if folder.name.lower() == "images" else folder.name
    for path, found in matches:
        if depth is None or int(found["depth"]) == depth:
            channel = f"ch{int(found['channel'])}"
            well = format_well(int(found["row"]) - 1, int(found["column"]) - 1)
            yield Plane(str(path), names.get(channel, channel), plate, well, str(int(found["field"])))


def channel_names(folder: Path) -> dict[str, str]:
    """`{"ch1": "HOECHST 33342"}` from Index.idx.xml (any of its versions), empty where there is none. Raises InputError on bad XML."""
    index = next((p for p in (folder / "Index.idx.xml", folder / "Images" / "Index.idx.xml", folder / "Index.xml") if p.exists()), None)
    if index is None:
        return {}
    names: dict[str, str] = {}
    try:
        for _, element in ET.iterparse(index):
            parts = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
            if {"ChannelID", "ChannelName"} <= parts.keys():
                names[f"ch{int(parts['ChannelID'])}"] = parts["ChannelName"]
    except ET.ParseError as error:
        raise InputError(
            f"{index} is not XML that can be read ({error}); remove it and name the channels with --channels ch1=DNA,..."
        ) from None
    return names


def _files(folder: Path) -> list[Path]:
    return sorted(p for base in (folder, folder / "Images") if base.is_dir() for p in base.iterdir() if p.is_file())
