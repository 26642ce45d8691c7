"""Files and folders that are whole or absent: written under a temporary name beside their own, then renamed.

A temporary name holds the process that writes it. What a process left that has ended is removed when its result is made again (`sweep`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from impasto import processes
from impasto.processes import Process

_DAY = 24 * 3600
_LONGEST = 120
"""Bytes of a stem that a temporary name repeats; the name has to fit into 255 with what is added."""
_LONGEST_SUFFIX = 20
_LEFTOVER = re.compile(rf"^\.(?P<stem>.+)\.(?P<kind>partial|replaced)-(?P<process>{processes.PATTERN})-[0-9a-f]{{8}}(?P<suffix>\.[^.]+)?$")
_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds. On Windows another program (a virus scanner, Excel) may hold a file open for a moment."""


@contextlib.contextmanager
def replacing(path: Path, /, *, before: Callable[[Path], None] = lambda _: None) -> Iterator[Path]:
    """A temporary path beside `path`. On success it takes the place of `path`, else it is removed.

    Parameters
    ----------
    path
        A file or folder, there already or not.
    before
        Called with the finished temporary path, just before it takes its place.

    Yields
    ------
    Path
        Where to write.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    aside = beside(path, "replaced")
    try:
        yield temporary
        sync(temporary)
        before(temporary)
        if path.is_dir() and not path.is_symlink():
            # A folder cannot be replaced in one step: it is put aside whole first, so that a kill never leaves half of it.
            _rename(path, aside)
        _rename(temporary, path)
        sync(path.parent, deep=False)
    finally:
        remove(temporary)
        if aside.exists() and not path.exists():
            _rename(aside, path)  # the new one could not take its place
        remove(aside)


def beside(path: Path, kind: Literal["partial", "replaced"] = "partial", /) -> Path:
    """A name beside a path that no other process and no other call gives.

    Parameters
    ----------
    path
        A file or folder.
    kind
        `partial` for what is not finished, `replaced` for what was there before.

    Returns
    -------
    Path
        Hidden. The suffix stays last: writers choose their format by it.

    """
    stem, suffix = _parts(path)
    return path.with_name(f".{stem}.{kind}-{processes.own()}-{secrets.token_hex(4)}{suffix}")


def _parts(path: Path) -> tuple[str, str]:
    """Stem and suffix as a temporary name repeats them."""
    stem, suffix = (path.stem, path.suffix) if len(path.suffix) <= _LONGEST_SUFFIX else (path.name, "")
    named = os.fsencode(stem)
    if len(named) > _LONGEST:
        stem = f"{named[: _LONGEST // 2].decode(errors='ignore')}~{hashlib.sha256(named).hexdigest()[:8]}"
    return stem, suffix


def sweep(folder: Path, /, *, of: Path | None = None, deep: bool = False) -> None:
    """Remove what processes that have ended left under temporary names; put back what they had only put aside.

    Of another machine's processes nothing is known: what they left is removed after a day without a change.

    Parameters
    ----------
    folder
        Where to look; it need not be there.
    of
        Only what belongs to this file or folder.
    deep
        Whether to look into the folders in it too.

    """
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            parts = _LEFTOVER.match(name)
            if parts is None or (of is not None and (parts["stem"], parts["suffix"] or "") != _parts(of)):
                continue
            owner = Process.read(parts["process"])
            if owner is None or not _is_left(owner, Path(base) / name):
                continue
            place = of or Path(base) / f"{parts['stem']}{parts['suffix'] or ''}"
            if parts["kind"] == "replaced" and not place.exists() and not place.is_symlink():
                _rename(Path(base) / name, place)
            else:
                remove(Path(base) / name)
        folders[:] = [name for name in folders if deep and not _LEFTOVER.match(name)]


def _is_left(owner: Process, path: Path) -> bool:
    if owner.is_here():
        return owner.is_dead()
    try:
        return time.time() - path.lstat().st_mtime > _DAY
    except OSError:
        return False


def sync(path: Path, /, *, deep: bool = True) -> None:
    """See that what was written is on the disk, and not only on its way there.

    Parameters
    ----------
    path
        A file or folder, there or not.
    deep
        Whether all that is in a folder is meant, or only the names in it.

    """
    if path.is_symlink():
        return
    if path.is_dir():
        for member in path.iterdir() if deep else ():
            sync(member)
        with contextlib.suppress(OSError):  # Windows and some file systems do not offer it for folders
            _sync(path, os.O_RDONLY)
    elif path.is_file():
        _sync(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)  # there, a file has to be open for writing


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename(old: Path, new: Path) -> None:
    for wait in _WAITS if sys.platform == "win32" else ():
        try:
            os.replace(old, new)
            return
        except PermissionError:
            time.sleep(wait)
    os.replace(old, new)


def remove(path: Path, /) -> None:
    """Remove a file, a link, or a folder with all that is in it. What a link leads to stays.

    Parameters
    ----------
    path
        What to remove, there or not.

    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def as_json(value: Any, /) -> str:
    """A value as JSON: sorted keys, two spaces, a last newline.

    Parameters
    ----------
    value
        Anything; what JSON does not know becomes text.

    Returns
    -------
    str
        The text.

    """
    return json.dumps(value, indent=2, sort_keys=True, default=str) + "\n"
