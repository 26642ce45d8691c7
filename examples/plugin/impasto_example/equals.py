"""Images as `plate/channel/A01=1.tif`: plate and channel are folders, well and site are the name of the file."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from impasto.plates.listing import Folder, Listing
from impasto.plates.reader import Asked, Found, Reader

_NAME = re.compile(r"(?P<well>[A-P]\d\d)=(?P<site>\d+)\.tif")


def fits(files: Listing, /) -> int:
    """How many images of a listing have such a name."""
    return sum(len(_rows(folder)) for folder in files.folders)


def planes(files: Listing, _: Asked, /) -> Found:
    """A row for each of these images, and the folders that they are in."""
    rows = {folder.path: _rows(folder) for folder in files.folders}
    frame = pd.DataFrame([row for of_folder in rows.values() for row in of_folder])
    return Found(frame, folders=frozenset(path for path, of_folder in rows.items() if of_folder))


def _rows(folder: Folder) -> list[dict[str, str]]:
    path = Path(folder.path)
    known = [match for name in folder.images() if (match := _NAME.fullmatch(name))]
    return [{"path": str(path / m[0]), "plate": path.parent.name, "channel": path.name, **m.groupdict()} for m in known]


READER = Reader("equals", "plate/DNA/A01=1.tif", fits, planes)
