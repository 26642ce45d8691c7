"""Grids: a plate drawn as a table, rows A, B, C... down and columns 1, 2, 3... across; one grid a fact (compound, dose, control).

A sheet may hold several, side by side or one below the other. A grid's title stands in its corner, or alone above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from impasto import schema
from impasto.schema import InputError

Cells = Sequence[Sequence[str]]
SMALLEST = (4, 6)
"""Rows and columns of the smallest grid that is looked for (24 wells); a smaller block may be any table."""
LARGEST = (32, 48)
_PLATES = (8, 16, 32)
"""Rows of whole plates of 96, 384 and 1,536 wells."""
_ROW, _COLUMN = (
    re.compile(r"^\s*(?:row|zeile|ligne)\s+", re.IGNORECASE),
    re.compile(r"^\s*(?:col|column|spalte|colonne)\.?\s+", re.IGNORECASE),
)
UNTITLED = schema.PERTURBATION_NAME
"""What a lone grid without a title holds."""


def read(sheets: Mapping[str, Cells], *, where: str) -> tuple[pd.DataFrame, str] | None:
    """The grids of all sheets as one table with a row a well.

    Parameters
    ----------
    sheets
        Name of the sheet -> its cells as text, row by row.
    where
        The name of the file, for error sentences.

    Returns
    -------
    tuple[pandas.DataFrame, str] | None
        The table (`well`, and a column for each title) and how it was read; None where no sheet holds a grid.

    Raises
    ------
    InputError
        Where two grids have one title.

    """
    blocks = [(sheet, title, wells) for sheet, cells in sheets.items() for title, wells, _ in _grids(cells)]
    if not blocks:
        return None
    columns: dict[str, pd.Series] = {}
    for sheet, title, wells in blocks:
        name = title or (sheet if len({s for s, _, _ in blocks}) > 1 else UNTITLED)
        if name in columns:
            raise InputError(f"{where}: two grids are called {name!r}; write a title of its own above the corner of each")
        columns[name] = wells
    table = pd.DataFrame(columns).rename_axis(schema.WELL).reset_index()
    sizes = sorted({size for cells in sheets.values() for _, _, size in _grids(cells)})
    return table, f"{len(columns)} grids of {', '.join(f'{rows} x {width}' for rows, width in sizes)} wells: {', '.join(columns)}"


def _grids(cells: Cells) -> Iterator[tuple[str, pd.Series, tuple[int, int]]]:
    """Title, values by well, rows and columns of each grid of a sheet."""
    for r, row in enumerate(cells):
        c = 0
        while c < len(row):
            width = _width(row, c + 1)
            height = _height(cells, r + 1, c, width)
            if width < SMALLEST[1] or height < SMALLEST[0] or _number(row[c]) is not None:
                c += 1
                continue
            wells = {schema.format_well(i, j): _cell(cells, r + 1 + i, c + 1 + j) for i in range(height) for j in range(width)}
            yield _title(cells, r, c, width), pd.Series(wells, dtype="string").replace("", pd.NA), (height, width)
            c += width + 1


def _width(row: Sequence[str], start: int) -> int:
    """How many cells from `start` on count 1, 2, 3..."""
    count = 0
    while start + count < len(row) and _number(row[start + count]) == count + 1 and count < LARGEST[1]:
        count += 1
    return count


def _height(cells: Cells, start: int, column: int, width: int) -> int:
    """How many cells from `start` down are A, B, C...; in a whole plate some letters, or all, may be left out."""
    count = named = 0
    while count < LARGEST[0] and start + count < len(cells):
        label = _ROW.sub("", _cell(cells, start + count, column)).upper()
        empty = not any(_cell(cells, start + count, c) for c in range(column + 1, column + 1 + width))
        if label != schema.format_well(count, 0)[:-2] and (label or empty):
            break
        count, named = count + 1, named + bool(label)
    return count if named == count or count in _PLATES else 0


def _title(cells: Cells, row: int, column: int, width: int) -> str:
    """The corner cell, or the first text right above the grid."""
    corner = _cell(cells, row, column)
    if corner or row == 0:
        return corner
    above = [_cell(cells, row - 1, c) for c in range(column, column + width + 1)]
    written = [text for text in above if text]
    return written[0] if len(written) == 1 else ""


def _cell(cells: Cells, row: int, column: int) -> str:
    return cells[row][column].strip() if row < len(cells) and column < len(cells[row]) else ""


def _number(text: str) -> int | None:
    try:
        number = float(_COLUMN.sub("", text))
    except ValueError:
        return None
    return int(number) if number.is_integer() else None
