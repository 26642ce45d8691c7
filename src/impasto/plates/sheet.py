"""A tall sheet: one row an image, columns path, channel, plate, well, and where there are any batch, source, site, page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from impasto import schema
from impasto.plates.planes import Plane
from impasto.schema import InputError

_NEEDED = ("path", schema.CHANNEL, schema.PLATE, schema.WELL)


def fits(table: pd.DataFrame) -> bool:
    """Whether a table is such a sheet."""
    return {"path", schema.CHANNEL} <= set(table.columns)


def planes(table: pd.DataFrame, /, *, where: Path) -> Iterator[Plane]:
    """The planes of a sheet. Paths that are not absolute start at the sheet's folder. Raises InputError on a missing column."""
    for column in _NEEDED:
        if column not in table.columns:
            raise InputError(
                f"{where}: the sheet has no column {column!r}; it needs {', '.join(_NEEDED)} (and may have batch, source, site, page)"
            )
    blank = table[list(_NEEDED)].isna().any(axis=1)
    if blank.any():
        raise InputError(
            f"{where}: row {int(blank.to_numpy().argmax()) + 2} leaves one of {', '.join(_NEEDED)} blank; fill it or drop the row"
        )
    table = table.astype({c: str for c in table.columns if c != "page"})
    for row in table.to_dict(orient="records"):
        yield Plane(
            str(where.parent / row["path"]),
            row[schema.CHANNEL],
            row[schema.PLATE],
            row[schema.WELL],
            row.get(schema.SITE, "1"),
            0 if pd.isna(row.get("page", 0)) else int(row.get("page", 0)),
            row.get(schema.BATCH, ""),
            row.get(schema.SOURCE, ""),
        )
