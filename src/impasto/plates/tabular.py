"""A table of images for all readers of tables: every value as text, what is missing as `""`. A remote one is fetched.

It is read in parts, so that a table of millions of images is never in memory as text.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from impasto import tables
from impasto.plates import archives, containers, files

ROWS = 1 << 13
"""Rows of a part."""


def columns(path: str, /) -> list[str]:
    """The columns of the table at a path or URL.

    Parameters
    ----------
    path
        A path or URL.

    Returns
    -------
    list[str]
        Their names; none where it is no table.

    Raises
    ------
    InputError
        The file is not there, or may not be read.

    """
    return tables.columns(files.local(path)) if _is_table(path) else []


def count(path: str, /) -> int:
    """How many rows the table at a path or URL has.

    Parameters
    ----------
    path
        A path or URL.

    Returns
    -------
    int
        Its rows, about so for a long text; 0 where it is no table.

    """
    return tables.count(files.local(path)) if _is_table(path) else 0


def parts(path: str, /) -> Iterator[pd.DataFrame]:
    """The table at a path or URL, in parts.

    Parameters
    ----------
    path
        A path or URL.

    Returns
    -------
    Iterator[pandas.DataFrame]
        At most `ROWS` rows of text at a time, `""` for what is missing. Tables that `tables.parts` reads whole are one part.

    Raises
    ------
    InputError
        The table cannot be read.

    """
    for part in tables.parts(files.local(path), rows=ROWS):
        yield pd.DataFrame({str(name): _text(part[name]) for name in part})


def _is_table(path: str) -> bool:
    if path.lower().endswith(archives.SUFFIXES) or containers.kind_of(path):
        return False
    return tables.kind(files.local(path)) in (tables.TEXT, tables.PARQUET, tables.EXCEL)


def _text(column: pd.Series) -> pd.Series:
    """A column as text: whole numbers without a point (a missing one made the column float)."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("string").fillna("").astype(object)
