"""How a command that fails ends: one sentence and an exit code; the traceback only where it is asked for.

2: the input was understood to be bad. 3: the machine (memory, disk, rights). 130 and 143: stopped from outside. 1: a fault of impasto.
"""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from impasto.schema import InputError

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""Whether the traceback is printed before the sentence (`--debug`)."""

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = re.compile(rf"\berrno = ({'|'.join(map(str, _DISK))})\b|\bos error ({'|'.join(map(str, _DISK))})\b|^\d+ requested and \d+ written$")
"""How HDF5, Rust and NumPy say it, in errors of other kinds."""
_TOO_LONG_ON_WINDOWS = 206
_RIGHTS = (errno.EACCES, errno.EPERM, errno.EROFS)
_READERS = frozenset(
    (
        *("plates", "profiles", "dataset", "object_tables", "cells", "datasets", "perturbations", "identity"),
        *("tables", "delimited", "grids", "workbooks", "sqlite_files", "anndata_tables", "cellprofiler_tables", "deepprofiler"),
        *("annotation", "platemaps", "profile_sources", "records", "commit_point"),
        *("atlas", "explorer", "report"),
    )
)
"""The packages and modules that take outside files apart, or results of earlier commands."""
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
_REPORT = "please report this line, and what the same command prints with --debug, where impasto is developed"
_GO_ON = "run the same command again to go on"


class Unfinished(Exception):
    """Work that the machine, and not the input, has kept from its end; the message is one sentence."""


class Terminated(BaseException):
    """The machine, or who runs it, has asked this process to end (SIGTERM)."""


def terminate(_signal: int, _frame: FrameType | None, /) -> NoReturn:
    """What SIGTERM does in a process of ours.

    Returns
    -------
    NoReturn
        Nothing.

    Raises
    ------
    Terminated
        Always.

    """
    raise Terminated


def code_and_sentence(error: BaseException, /) -> tuple[int, str]:
    """The exit code of an error and the sentence that a user reads.

    Parameters
    ----------
    error
        Whatever a verb raised.

    Returns
    -------
    code : int
        The exit code.
    sentence : str
        One line without a line break.

    """
    code, sentence = _code_and_sentence(error)
    return code, " ".join(sentence.split())


def _code_and_sentence(error: BaseException) -> tuple[int, str]:
    if isinstance(error, InputError):
        return 2, str(error)
    if isinstance(error, Unfinished):
        return 3, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 130, f"stopped; {_GO_ON}"
    if isinstance(error, Terminated):
        return 143, f"stopped from outside (SIGTERM); {_GO_ON}"
    if is_memory(error):
        return 3, f"too little memory{_at(error)} ({_cause(error)}); close other programs, give less at a time, or take a larger machine"
    if isinstance(error, OSError) and (error.errno == errno.ENAMETOOLONG or getattr(error, "winerror", None) == _TOO_LONG_ON_WINDOWS):
        return 2, f"a name is too long for this system{_at(error)[:300]}; give a shorter folder, or shorter names"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return 2, f"a link leads to itself{_at(error)}; remove it, or let it lead to a file"
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
        return 2, f"a file is not there{_at(error)}, or a link to it leads nowhere; check the path"
    if isinstance(error, IsADirectoryError):
        return 2, f"a folder stands where a file should be{_at(error)}; move it away, or give the file"
    if isinstance(error, NotADirectoryError):
        return 2, f"a file stands where a folder should be{_at(error)}; move it away, or give the folder"
    if is_full(error):
        return 3, f"the disk is full{_folder_at(error)}; make room, then {_GO_ON}"
    if isinstance(error, OSError) and error.errno in _RIGHTS:
        return 3, f"this may not be read or written{_at(error)} ({error.strerror}); give another place, or ask for the right to it"
    if (path := _being_read(error)) is not None:
        return 2, f"{path} cannot be read ({_cause(error)}); it may be damaged, or of another kind. If it is whole, {_REPORT}"
    return 1, f"a fault of impasto{_at(error)}: {_cause(error)}. {_REPORT[0].upper()}{_REPORT[1:]}"


def is_memory(error: BaseException, /) -> bool:
    """Whether an error says that memory ran out; torch says so by a RuntimeError.

    Parameters
    ----------
    error
        Any error.

    Returns
    -------
    bool
        True for too little memory.

    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def is_of_the_machine(error: BaseException, /) -> bool:
    """Whether an error speaks of the machine and not of what a file holds: memory, disk, rights, or a file that is not there.

    Parameters
    ----------
    error
        Any error.

    Returns
    -------
    bool
        True where no other content of the file would help.

    """
    if is_memory(error) or is_full(error):
        return True
    return isinstance(error, OSError) and error.errno in (*_RIGHTS, errno.ENOENT)


def is_full(error: BaseException, /) -> bool:
    """Whether an error says that the disk is full; libraries say so in errors of their own.

    Parameters
    ----------
    error
        Any error.

    Returns
    -------
    bool
        True for a full disk, a full quota, and a file larger than allowed.

    """
    if isinstance(error, OSError) and error.errno in _DISK:
        return True
    return isinstance(error, Exception) and _FULL.search(str(error)) is not None


def _cause(error: BaseException) -> str:
    """What happened, in one line."""
    first = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _own_frames(error: BaseException) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of our functions that an error went through, the innermost first: the module below `impasto`, and what the function held."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        package, _, place = str(frame.f_globals.get("__name__")).partition(".")
        if package == "impasto" and place:
            yield place, frame.f_locals


def _being_read(error: BaseException) -> Path | None:
    """The file or folder that a reader was taking apart; None where another part of impasto failed.

    A broken promise between our own functions (`assert`) is never the file's fault.
    """
    if isinstance(error, AssertionError):
        return None
    for place, held in _own_frames(error):
        if place.partition(".")[0] not in _READERS:
            return None
        for name in ("path", "folder", "source", "table", "where", "run"):
            if isinstance(value := held.get(name), Path) and value.exists():
                return value
    return None


def _at(error: BaseException) -> str:
    path = file_of(error)
    return "" if path is None else f", at {path}"


def _folder_at(error: BaseException) -> str:
    """The folder on the full disk; what was being written there is gone."""
    path = file_of(error)
    while path is not None and not path.is_dir() and path != path.parent:
        path = path.parent
    return "" if path is None else f", at {path}"


def file_of(error: BaseException, /) -> Path | None:
    """The file that was being read or written, where that is known.

    The system names it in its own errors. Else it is what the path that the innermost of our functions holds.

    Parameters
    ----------
    error
        An error with its traceback.

    Returns
    -------
    Path or None
        The file or folder.

    """
    if isinstance(error, OSError) and isinstance(error.filename, str):
        return Path(error.filename)
    for _, held in _own_frames(error):
        for name in ("path", "folder", "out"):
            if isinstance(value := held.get(name), Path):
                return value
    return None
