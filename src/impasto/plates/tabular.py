"""A table of images, read once for all readers of tables: every value as text, what is missing as `""`. A remote one is fetched."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from impasto.plates import files
from impasto.plates.listing import Listing
from impasto.schema import InputError

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet")


def read(listing: Listing, /) -> pd.DataFrame | None:
    """The table of a source that is one file, or None where it is no table."""
    return at(listing.root) if listing.is_file else None


def at(path: str, /) -> pd.DataFrame | None:
    """The table at a path or URL, or None where its name is not that of a table. Raises InputError where it cannot be had."""
    if not path.lower().endswith(SUFFIXES):
        return None
    file = files.local(path)
    status = file.stat()
    return _read(str(file), status.st_mtime_ns, status.st_size)


def require(listing: Listing, /) -> pd.DataFrame:
    """The table. Raises InputError where there is none."""
    table = read(listing)
    if table is None:
        raise InputError(f"{listing.root} is no table")
    return table


@lru_cache(maxsize=4)
def _read(path: str, changed: int, size: int) -> pd.DataFrame:  # noqa: ARG001 - a file that has changed is read again
    if path.endswith(".parquet"):
        table = pd.read_parquet(path)
        whole = table.reset_index() if table.index.names != [None] else table
        return pd.DataFrame({str(name): _text(whole[name]) for name in whole})
    separator = "\t" if ".tsv" in path else ","
    return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[], encoding="utf-8-sig")


def _text(column: pd.Series) -> pd.Series:
    """A column as text: whole numbers without a point (a missing one made the column float)."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("string").fillna("").astype(object)
