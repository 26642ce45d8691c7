"""A folder that is whole once one file in it says so: `dataset.json` of a folder of plates (`impasto.dataset`).

It stands below everything that asks what a path holds, so that a folder of thousands of plates is known by one small file and never
read again.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from impasto import texts

FILE = "dataset.json"
CACHE = "cache"
"""The folder of a dataset that holds what can be made again; no digest knows it."""


def is_there(path: Path, /) -> bool:
    """Whether a path is a folder of plates.

    Parameters
    ----------
    path
        Any path.

    Returns
    -------
    bool
        True for a folder with a commit point.

    """
    return (path / FILE).is_file()


def read(path: Path, /) -> dict[str, Any] | None:
    """What the commit point of a folder says.

    Parameters
    ----------
    path
        A folder.

    Returns
    -------
    dict[str, Any] | None
        None where there is none, or where it is not ours.

    """
    try:
        value = json.loads(texts.read(path / FILE))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("content"), str) else None


def digest(path: Path, /) -> str | None:
    """The digest of the values of a folder of plates: it does not depend on how a library writes them.

    Parameters
    ----------
    path
        Any path.

    Returns
    -------
    str | None
        None where the path is no folder of plates.

    """
    said = read(path)
    return None if said is None else str(said["content"])


def stamp(path: Path, /) -> str:
    """The digest of a folder of plates as it lies on disk: the commit point, and the name and size of each file.

    Parameters
    ----------
    path
        A folder of plates.

    Returns
    -------
    str
        SHA-256. Another where a file was added, cut, or taken away; `cache` and hidden names do not count.

    """
    total = hashlib.sha256((path / FILE).read_bytes())
    for base, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name != CACHE and not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            member = Path(base) / name
            total.update(f"{member.relative_to(path).as_posix()}\0{member.lstat().st_size}\n".encode())
    return total.hexdigest()
