"""One writer at a time: a small file that names the process which writes. The file of a process that has ended is taken over."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from impasto import processes, texts, whole
from impasto.processes import Process
from impasto.schema import InputError

ENDING = ".lock"
_WAIT = 0.2
"""Seconds between two looks at a lock that is held, of which there are five."""


def beside(out: Path, /) -> Path:
    """The lock of a result.

    Parameters
    ----------
    out
        The file or folder that is written.

    Returns
    -------
    Path
        A hidden name beside it.

    """
    return out.with_name(f".{out.name[:200]}{ENDING}")


@contextlib.contextmanager
def held(path: Path, out: Path, /) -> Iterator[None]:
    """Hold a lock.

    Parameters
    ----------
    path
        The lock. Folders that it needs are made, and taken away again where nothing else has come to lie in them.
    out
        What is written meanwhile, for the sentence.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    InputError
        Another process holds it, and lives or runs on another machine.

    """
    own = processes.own()
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _take(path, own, out)
        try:
            yield
        finally:
            if _owner(path) == own:
                path.unlink(missing_ok=True)
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # something has come to lie in it
                folder.rmdir()


def _take(path: Path, own: Process, out: Path) -> None:
    """Put the lock there, whole from the start: a kill never leaves one that names nobody."""
    ready = whole.beside(path)
    texts.write(ready, str(own))
    try:
        for _ in range(5):
            try:
                _link(ready, path, str(own))
                return
            except FileExistsError:
                if not remove_dead(path):
                    time.sleep(_WAIT)  # a process that was killed a moment ago takes one to go
    finally:
        ready.unlink(missing_ok=True)
    owner = _owner(path)
    who = f"process {owner.pid} on {owner.host}" if owner else "another process"
    remedy = "wait for it" if owner and owner.is_here() and not owner.is_dead() else f"wait for it, or, where it has ended, remove {path}"
    raise InputError(f"{out} is being written by {who}; {remedy}, or give another --out")


def _link(ready: Path, path: Path, text: str) -> None:
    try:
        os.link(ready, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("x", encoding=texts.ENCODING) as file:
            file.write(text)


def remove_dead(path: Path, /) -> bool:
    """Remove the lock of a process that has ended, and never one that another has put there in between.

    Parameters
    ----------
    path
        Of the lock, there or not.

    Returns
    -------
    bool
        Whether it was that of a process that has ended.

    """
    try:
        with path.open("r+b") as file:
            _alone(file)
            owner = _named(file.read().decode(texts.ENCODING, "replace"))
            if owner is None or not owner.is_dead():
                return False
            with contextlib.suppress(FileNotFoundError):
                # Another may have removed this lock and put its own there while this process waited to be alone.
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    path.unlink()
    except OSError:  # it has gone, or this user may not touch it
        return not path.exists()
    return True


def _alone(file: IO[bytes]) -> None:
    """Wait until no other process looks at this very file. A lock is removed in no other way, so none that lives ever is."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _named(text: str) -> Process | None:
    try:
        return Process.read(text.strip())
    except ValueError:
        return None


def _owner(path: Path) -> Process | None:
    try:
        return _named(texts.read(path))
    except (OSError, ValueError):
        return None
