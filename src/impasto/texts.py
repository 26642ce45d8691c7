"""The text files of impasto: UTF-8 with line feeds on every system.

Where none is said, Python takes the system's own encoding and line ends: on Windows cp1252, and a carriage return before each line feed.
The same run would then leave other bytes there, and a name with µ or Å would not be read back.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING

from impasto import border

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    import pandas as pd

ENCODING = "utf-8"
END = "\n"
MARK = "\ufeff"
"""Before a text it tells Excel that the text is UTF-8."""


def read(path: Path | Traversable, /) -> str:
    """The text of a file that impasto, or a user for impasto, wrote.

    Parameters
    ----------
    path
        The file, or a file that is shipped in the package.

    Returns
    -------
    str
        Without the mark that editors of Windows write before a text (the byte order mark).

    Raises
    ------
    UnicodeDecodeError
        It is not UTF-8.
    InputError
        It is a pipe or a device, which would be waited for without end.

    """
    if isinstance(path, Path):
        border.refuse_odd(path)
    return path.read_text(encoding=ENCODING).removeprefix(MARK)


def write(path: Path, text: str, /) -> None:
    """Write a text, as `read` reads it.

    Parameters
    ----------
    path
        The file.
    text
        What it is to hold; lines end in a line feed alone.

    """
    path.write_text(text, encoding=ENCODING, newline=END)


def append(path: Path, text: str, /) -> None:
    """Add to the end of a text that `write` wrote.

    Parameters
    ----------
    path
        The file; it need not be there yet.
    text
        What is added.

    """
    with path.open("a", encoding=ENCODING, newline=END) as file:
        file.write(text)


def write_csv(table: pd.DataFrame, path: Path, /, *, separator: str = ",") -> None:
    """Write a table as text, without its index. The bytes tell nothing but the table: no time and no name of a file, packed or not.

    Parameters
    ----------
    table
        The table.
    path
        The file; it is packed where the name ends in `.gz`.
    separator
        What stands between two cells.

    """
    if path.suffix != ".gz":
        table.to_csv(path, index=False, sep=separator, encoding=ENCODING, lineterminator=END)
        return
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding=ENCODING, newline="") as lines,
    ):
        table.to_csv(lines, index=False, sep=separator, lineterminator=END)
