"""One writer at a time: a small file that names the process which writes. The file of a process that has ended is taken over."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from impasto import processes, texts, whole
from impasto.processes import Process
from impasto.schema import InputError

ENDING = ".lock"


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
                remove_dead(path)
    finally:
        ready.unlink(missing_ok=True)
    owner = _owner(path)
    who = f"process {owner.pid} on {owner.host}" if owner else "another process"
    remedy = "wait for it" if owner and owner.is_here() else f"wait for it, or, where it has ended, remove {path}"
    raise InputError(f"{out} is being written by {who}; {remedy}, or give another --out")


def _link(ready: Path, path: Path, text: str) -> None:
    try:
        os.link(ready, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("x", encoding=texts.ENCODING) as file:
            file.write(text)


def remove_dead(path: Path, /) -> None:
    """Remove the lock of a process that has ended. Where another took it over in between, its lock is put back.

    Parameters
    ----------
    path
        Of the lock, there or not.

    """
    owner = _owner(path)
    if owner is None or not owner.is_dead():
        return
    aside = whole.beside(path)
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        if _owner(aside) != owner:
            with contextlib.suppress(OSError):
                os.link(aside, path)
        aside.unlink()


def _owner(path: Path) -> Process | None:
    try:
        return Process.read(texts.read(path).strip())
    except (OSError, ValueError):
        return None
