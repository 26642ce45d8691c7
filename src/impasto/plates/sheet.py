"""A tall sheet: one row an image, columns path, channel, plate, well, and where there are any batch, source, site, page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from impasto import schema
from impasto.plates import tabular
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_NEEDED = ("path", schema.CHANNEL, schema.PLATE, schema.WELL)


def fits(files: Listing, /) -> int:
    """How many images a listing names, where it is such a sheet."""
    table = tabular.read(files)
    return len(table) if table is not None and is_sheet(table) else 0


def is_sheet(table: pd.DataFrame, /) -> bool:
    """Whether a table is such a sheet."""
    return {"path", schema.CHANNEL} <= set(table.columns)


def planes(files: Listing, asked: Asked, /) -> Found:
    """The planes of a sheet. Paths that are not absolute start at the sheet's folder. Raises InputError on a missing column."""
    table, where = tabular.require(files), Path(files.root)
    for column in _NEEDED:
        if column not in table.columns:
            raise InputError(
                f"{where}: the sheet has no column {column!r}; it needs {', '.join(_NEEDED)} (and may have batch, source, site, page)"
            )
    blank = (table[list(_NEEDED)] == "").any(axis=1)
    if blank.any():
        raise InputError(
            f"{where}: row {int(blank.to_numpy().argmax()) + 2} leaves one of {', '.join(_NEEDED)} blank; fill it or drop the row"
        )
    columns = [*_NEEDED, *(c for c in (schema.BATCH, schema.SOURCE, schema.SITE, "depth", "time", "illumination") if c in table)]
    rows = table[columns].assign(path=[str((asked.root or where.parent) / path) for path in table["path"]])
    if "page" in table:
        rows["page"] = [_page(value, where, row) for row, value in enumerate(table["page"], start=2)]
    return Found(rows)


def _page(value: str, where: Path, row: int) -> int:
    """A page's number; a blank one is the first."""
    try:
        return int(float(value or 0))
    except ValueError:
        raise InputError(f"{where}: row {row} has page {value!r}, which is no number; pages are counted from 0") from None


READER = Reader("sheet", "", fits, planes)
