"""The table at a source that is one file, read once for all readers of tables: every value as text, what is missing as `""`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from impasto import tables
from impasto.plates.listing import Listing
from impasto.schema import InputError


def read(files: Listing, /) -> pd.DataFrame | None:
    """The table, or None where the source is no file of a table."""
    path = Path(files.root)
    if not files.is_file or tables.kind(path) not in (tables.TEXT, tables.PARQUET, tables.EXCEL):
        return None
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


def require(files: Listing, /) -> pd.DataFrame:
    """The table. Raises InputError where there is none."""
    table = read(files)
    if table is None:
        raise InputError(f"{files.root} is no table")
    return table


@lru_cache(maxsize=4)
def _read(path: Path, changed: int, size: int) -> pd.DataFrame:  # noqa: ARG001 - a file that has changed is read again
    frame = tables.read(path)[0]
    return frame.astype("string").fillna("").astype(object)
