"""ImageXpress (MetaXpress) folders: `<prefix>_A01_s1_w1<id>.TIF`; thumbnails are left out, `TimePoint_*` folders looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from impasto.plates.planes import Plane

NAME = re.compile(r"^(?P<prefix>.*)_(?P<well>[A-P]\d{2})(?:_s(?P<site>\d+))?_w(?P<channel>\d)(?P<id>[0-9A-F-]*)\.tiff?$", re.IGNORECASE)
_THUMBNAIL = re.compile(r"_thumb", re.IGNORECASE)


def fits(folder: Path) -> bool:
    """Whether a folder holds such files."""
    return any(NAME.match(p.name) for p in _files(folder))


def planes(folder: Path, /) -> Iterator[Plane]:
    """The planes of one plate's folder; the plate is the files' prefix, or the folder's name where there is none."""
    for path in _files(folder):
        found = NAME.match(path.name)
        if found and not _THUMBNAIL.search(path.name):
            yield Plane(str(path), f"w{found['channel']}", found["prefix"] or folder.name, found["well"], str(int(found["site"] or 1)))


def _files(folder: Path) -> list[Path]:
    return sorted(p for base in (folder, *folder.glob("TimePoint_*"), *folder.glob("ZStep_*")) for p in base.iterdir() if p.is_file())
