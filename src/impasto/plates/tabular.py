"""The table at a source that is one file, read once for all readers of tables: every value as text, what is missing as `""`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from impasto.plates.listing import Listing
from impasto.schema import InputError

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet")


def read(files: Listing, /) -> pd.DataFrame | None:
    """The table, or None where the source is no file of a table."""
    if not files.is_file or not files.root.lower().endswith(SUFFIXES):
        return None
    path = Path(files.root)
    status = path.stat()
    return _read(str(path), status.st_mtime_ns, status.st_size)


def require(files: Listing, /) -> pd.DataFrame:
    """The table. Raises InputError where there is none."""
    table = read(files)
    if table is None:
        raise InputError(f"{files.root} is no table")
    return table


@lru_cache(maxsize=4)
def _read(path: str, changed: int, size: int) -> pd.DataFrame:  # noqa: ARG001 - a file that has changed is read again
    if path.endswith(".parquet"):
        return pd.read_parquet(path).astype("string").fillna("").astype(object)
    separator = "\t" if ".tsv" in path else ","
    return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[])
