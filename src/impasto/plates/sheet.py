"""A tall sheet: one row an image, columns path, channel, plate, well, and where there are any batch, source, site, page.

The sheet of nf-core/cellpainting is one: its paths are s3:// URLs, its other columns (row, col, field_id, plane_id) say nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from impasto import schema
from impasto.plates import files, tabular
from impasto.plates.listing import Listing
from impasto.plates.planes import joined
from impasto.plates.planes import table as planes_table
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_NEEDED = ("path", schema.CHANNEL, schema.PLATE, schema.WELL)
_MAY = (schema.BATCH, schema.SOURCE, schema.SITE, "depth", "time", "at", "illumination")
_TECHNICAL = ("page", "row", "col", "field_id", "plane_id")
_PATH = {"file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "imagepath", "image_file", "url", "uri"}
"""What people call the column of paths; one of them is taken where there is no `path`."""


def fits(listing: Listing, /) -> int:
    """How many images a listing names, where it is such a sheet.

    Parameters
    ----------
    listing
        What lies at a source.

    Returns
    -------
    int
        Its rows; 0 where it is no such sheet.

    """
    return tabular.count(listing.root) if listing.is_file and is_sheet(tabular.columns(listing.root)) else 0


def is_sheet(columns: Iterable[str], /) -> bool:
    """Whether a table is such a sheet.

    Parameters
    ----------
    columns
        Names of its columns.

    Returns
    -------
    bool
        True where paths and channels are among them.

    """
    return {"path", schema.CHANNEL} <= set(_words(columns).values())


def _words(columns: Iterable[str]) -> dict[str, str]:
    """Column as written -> its word: small letters, and `path` for the one column that is plainly that of the paths."""
    words = {str(column): str(column).strip().lower() for column in columns}
    paths = [column for column, word in words.items() if word.replace(" ", "_") in _PATH]
    if "path" not in words.values() and len(paths) == 1 and {schema.CHANNEL, schema.WELL} <= set(words.values()):
        words[paths[0]] = "path"
    return words


def planes(listing: Listing, asked: Asked, /) -> Found:
    """The planes of a sheet.

    Parameters
    ----------
    listing
        The sheet.
    asked
        What the user said. Paths that are not absolute start at the sheet's folder, or at the root that the user names.

    Returns
    -------
    Found
        A row a plane, and what other columns of the sheet say about wells.

    Raises
    ------
    InputError
        Where a column is missing, a row leaves one blank, or a page is no number.

    """
    parts, annotation, first = [], [], 2
    for part in tabular.parts(listing.root):
        rows, about_wells = _of_part(part, listing.root, asked, first)
        parts.append(planes_table(rows, where=listing.root))
        annotation.append(about_wells)
        first += len(part)
    return Found(joined(parts), annotation=pd.concat(annotation, ignore_index=True).drop_duplicates(ignore_index=True))


def _of_part(table: pd.DataFrame, where: str, asked: Asked, first: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The planes of some rows, the first of which has that number, and what they say of wells."""
    table = table.rename(columns={c: word for c, word in _words(table.columns).items() if word in (*_NEEDED, *_MAY, *_TECHNICAL)})
    for column in _NEEDED:
        if column not in table.columns:
            raise InputError(
                f"{where}: the sheet has no column {column!r}; it needs {', '.join(_NEEDED)} (and may have batch, source, site, page)"
            )
    rows = pd.DataFrame({column: table[column].str.strip() for column in (*_NEEDED, *_MAY) if column in table})
    blank = (rows[list(_NEEDED)] == "").any(axis=1)
    if blank.any():
        raise InputError(
            f"{where}: row {int(blank.to_numpy().argmax()) + first} leaves one of {', '.join(_NEEDED)} blank; fill it or drop the row"
        )
    for column in ("path", "illumination"):
        if column in rows:
            rows[column] = [files.written(path, beside=where, root=asked.root) if path else "" for path in rows[column]]
    if "page" in table:
        rows["page"] = [_page(value, where, row) for row, value in enumerate(table["page"], start=first)]
    return rows, _annotation(table, rows)


def _annotation(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """What the sheet says about wells in its other columns."""
    other = [column for column in table if column not in (*_NEEDED, *_MAY, *_TECHNICAL)]
    if not other:
        return pd.DataFrame()
    keys = [word for word in (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL) if word in rows]
    return rows[keys].join(table[other].replace("", pd.NA)).drop_duplicates(ignore_index=True)


def _page(value: str, where: str, row: int) -> int:
    """A page's number; a blank one is the first."""
    try:
        page = float(value or 0)
    except ValueError:
        page = -1.0
    if page < 0 or page % 1:
        raise InputError(f"{where}: row {row} has page {value!r}; pages are numbers, counted from 0")
    return int(page)


READER = Reader("sheet", "", fits, planes)
