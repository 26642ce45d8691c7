"""Where a result may go: never onto an input, a stranger's file, or a name that no file can have."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from impasto import records
from impasto.schema import PROFILES_FOLDERS, InputError

_LONGEST = 230
"""Bytes of a name: 255 with what a record adds."""
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_RESERVED = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
KEEP_OLD: ContextVar[bool] = ContextVar("keep_old", default=False)
"""Whether a file of somebody else that stands where a result goes is renamed with the date (`--keep-old`), instead of refused."""


def lies_in(path: Path, folder: Path, /) -> bool:
    """Whether a path is a file or folder, or lies in it. What is on disk decides, whatever links or `..` the path is named by.

    Parameters
    ----------
    path
        A path, there or not.
    folder
        A file or a folder.

    Returns
    -------
    bool
        False where `folder` is not there.

    """
    if not folder.exists():
        return False
    real = Path(os.path.realpath(path))
    return any(p.exists() and p.samefile(folder) for p in (real, *real.parents))


def settled(out: Path, /, *, folder: bool) -> Path:
    """The same place named without links and `..`. A link that stands for a file itself stays.

    Parameters
    ----------
    out
        The place of a result.
    folder
        Whether the result is a folder.

    Returns
    -------
    Path
        `out` itself where its name holds neither.

    """
    whole = folder or out.name in ("", "..")
    real = Path(os.path.realpath(out)) if whole else Path(os.path.realpath(out.parent)) / out.name
    return out if ".." not in out.parts and real == Path(os.path.abspath(out)) else real


def refuse_overlap(out: Path, inputs: Sequence[Path], /, *, may_lie_in_input: bool = False) -> None:
    """Refuse an output that is, holds or lies in an input.

    Parameters
    ----------
    out
        The place of a result.
    inputs
        All that the run reads.
    may_lie_in_input
        Whether the result may lie in an input.

    Raises
    ------
    InputError
        The two overlap.

    """
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            relation = "is"
        elif lies_in(path, out):
            relation = "holds"
        elif lies_in(out, path) and not may_lie_in_input:
            relation = "lies in"
        else:
            continue
        raise InputError(f"--out {out} {relation} the input {path}; results never go into what is read: give another folder")


def refuse_place(out: Path, verb: str, /, *, folder: bool) -> None:
    """Refuse a name under which no result can stand: a folder where a file is written, a device, a name too long.

    Parameters
    ----------
    out
        The place of a result.
    verb
        The verb that writes it.
    folder
        Whether the result is a folder.

    Raises
    ------
    InputError
        The result cannot stand there.

    """
    if "\0" in str(out) or any(len(os.fsencode(part)) > _LONGEST for part in out.parts):
        raise InputError(f"--out {str(out)[:60]!r}... is no name for a file; give a shorter one, of letters and numbers")
    if sys.platform == "win32" and (part := next((p for p in out.parts if p != out.anchor and not is_name_on_windows(p)), None)):
        raise InputError(f"--out {out}: Windows takes no file or folder named {part!r}; give another name, of letters and numbers")
    if folder and out.is_symlink() and not out.exists():
        raise InputError(f"--out {out} is a link that leads nowhere; give another place")
    above = next((parent for parent in out.parents if parent.exists()), None)
    if above is not None and not above.is_dir():
        raise InputError(f"--out {out} lies in {above}, which is a file; give another place")
    if not out.exists():
        return
    if folder and not out.is_dir():
        raise InputError(f"--out {out} is a file, and impasto {verb} writes a folder; give a new folder")
    if not folder and out.is_dir() and out.suffix.lower() not in PROFILES_FOLDERS:
        raise InputError(f"--out {out} is a folder, and impasto {verb} writes a file; give the name of a file")
    if not (out.is_file() or out.is_dir()):
        raise InputError(f"--out {out} is neither a file nor a folder; give another name")


def refuse_strangers(out: Path, verb: str, previous: dict[str, Any] | None, /) -> None:
    """Refuse a folder that holds anything but an earlier result of this verb.

    Parameters
    ----------
    out
        The folder of a result.
    verb
        The verb that writes it.
    previous
        The record in the folder, or None.

    Raises
    ------
    InputError
        The folder holds files that no record lists as they are now, or a result of another verb.

    """
    strangers = records.strangers(out) if out.is_dir() else []
    if previous is None and strangers:
        raise InputError(f"{out} is not empty and impasto did not write it (it holds {records.in_short(strangers)}); give a new folder")
    if previous is not None and previous["verb"] != verb:
        raise InputError(f"{out} holds a result of impasto {previous['verb']}; give impasto {verb} a new folder")
    if strangers:
        raise InputError(
            f"{out} holds {records.in_short(strangers)}, which impasto {verb} did not leave like this; move it away, or give a new folder"
        )


def is_name_on_windows(name: str, /) -> bool:
    """Whether Windows takes a name for a file or folder.

    Parameters
    ----------
    name
        One part of a path.

    Returns
    -------
    bool
        False for names of devices (`nul.csv`), for characters that it keeps for itself, and for a point or a space at the end.

    """
    if name in (".", ".."):
        return True
    return not (_DEVICE.match(name) or _RESERVED.search(name) or name.endswith((".", " ")))


def free(path: Path, verb: str, listed: records.Files, /, *, name: str) -> None:
    """See that a file may be written. With `KEEP_OLD`, a file of somebody else is renamed with the date.

    Parameters
    ----------
    path
        The file.
    verb
        The verb that writes it.
    listed
        The files of the earlier result, with their digests.
    name
        The name of the file in that list.

    Raises
    ------
    InputError
        The file is there, is not as the earlier result left it, and `KEEP_OLD` is not set.

    """
    if not (path.exists() or path.is_symlink()):
        return
    if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
        return
    if name in listed and records.is_as_listed(path, listed[name]):
        return
    if not KEEP_OLD.get():
        raise InputError(
            f"{path} is there and is not as impasto {verb} left it; give another name, or rename it with today's date by --keep-old"
        )
    path.rename(dated(path))


def dated(path: Path, /) -> Path:
    """A free name beside a path that holds today's date: `a.parquet` -> `a.2026-01-31.parquet`.

    Parameters
    ----------
    path
        A file or folder.

    Returns
    -------
    Path
        With a number behind the date where that name is taken.

    """
    suffixes = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    stem, ending = path.name.removesuffix("".join(suffixes)), "".join(suffixes)
    day = time.strftime("%Y-%m-%d")
    names = (f"{stem}.{day}{number}{ending}" for number in ("", *(f"-{n}" for n in range(2, 10_000))))
    return next(place for name in names if not (place := path.with_name(name)).exists() and not place.is_symlink())
