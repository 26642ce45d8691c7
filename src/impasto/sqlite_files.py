"""SQLite files of others: opened to read only, whatever their names hold; and names as SQL takes them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path


@contextlib.contextmanager
def reading(path: Path, /) -> Iterator[sqlite3.Connection]:
    """Open a file to read. It is never changed, and never made.

    Parameters
    ----------
    path
        The file. Its name may hold `#`, `?` and `%`, which an address reads otherwise.

    Yields
    ------
    sqlite3.Connection
        Closed afterwards.

    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as base:
        yield base


def quoted(name: str, /) -> str:
    """A name of a table or column, as SQL takes it.

    Parameters
    ----------
    name
        As it is.

    Returns
    -------
    str
        In quotes.

    """
    return '"' + name.replace('"', '""') + '"'


def tables(base: sqlite3.Connection, /) -> dict[str, list[str]]:
    """The tables and views of a file.

    Parameters
    ----------
    base
        An open file.

    Returns
    -------
    dict[str, list[str]]
        Name -> names of its columns, sorted by name.

    """
    names = [str(name) for (name,) in base.execute("select name from sqlite_master where type in ('table', 'view') order by name")]
    return {name: [str(row[1]) for row in base.execute(f"pragma table_info({quoted(name)})")] for name in names}
