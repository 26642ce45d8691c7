"""Files and folders that are whole or absent: written under a temporary name beside their own, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


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
    # The suffix stays last: writers choose their format by it.
    writer = f"{socket.gethostname()[:40]}-{os.getpid()}"  # machines may share the folder
    temporary = path.with_name(f".{path.stem}.partial-{writer}{path.suffix}")
    aside = path.with_name(f".{path.stem}.replaced-{writer}{path.suffix}")
    remove(temporary)
    try:
        yield temporary
        if temporary.is_file():
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
        before(temporary)
        if path.is_dir() and not path.is_symlink():
            # A folder cannot be replaced in one step: it is put aside whole first, so that a kill never leaves half of it.
            os.replace(path, aside)
        os.replace(temporary, path)
    finally:
        remove(temporary)
        remove(aside)


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
