"""A table of images, read once for all readers of tables: every value as text, what is missing as `""`. A remote one is fetched."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from impasto import tables
from impasto.plates import archives, containers, files
from impasto.plates.listing import Listing
from impasto.schema import InputError


def read(listing: Listing, /) -> pd.DataFrame | None:
    """The table of a source that is one file, or None where it is no table."""
    return at(listing.root) if listing.is_file else None


def at(path: str, /) -> pd.DataFrame | None:
    """The table at a path or URL, or None where it is no table. Raises InputError where it cannot be had."""
    if path.lower().endswith(archives.SUFFIXES) or containers.kind_of(path):
        return None
    file = files.local(path)
    if tables.kind(file) not in (tables.TEXT, tables.PARQUET, tables.EXCEL):
        return None
    status = file.stat()
    return _read(file, status.st_mtime_ns, status.st_size)


def require(listing: Listing, /) -> pd.DataFrame:
    """The table. Raises InputError where there is none."""
    table = read(listing)
    if table is None:
        raise InputError(f"{listing.root} is no table")
    return table


@lru_cache(maxsize=4)
def _read(path: Path, changed: int, size: int) -> pd.DataFrame:  # noqa: ARG001 - a file that has changed is read again
    frame = tables.read(path)[0]
    return pd.DataFrame({str(name): _text(frame[name]) for name in frame})


def _text(column: pd.Series) -> pd.Series:
    """A column as text: whole numbers without a point (a missing one made the column float)."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("string").fillna("").astype(object)
