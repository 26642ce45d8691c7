"""Excel workbooks as people expect them: text stays text, the header stays in sight, columns can be filtered. The same bytes each time."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

_CREATED = dt.datetime(1980, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
_WIDEST, _LONGEST = 60, 32_767
_FORMULA = re.compile(r"^[=+\-@\t\r]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write(path: Path, sheets: Mapping[str, pd.DataFrame], /) -> None:
    """Write a workbook of one sheet a table. Nothing in it is a formula or a link, whatever a cell holds.

    Parameters
    ----------
    path
        The .xlsx file.
    sheets
        Name of a sheet -> its table. A missing value is an empty cell.

    """
    import xlsxwriter

    made = xlsxwriter.Workbook(str(path))
    made.set_properties({"created": _CREATED})
    bold = made.add_format({"bold": True, "bottom": 1})
    for name, table in sheets.items():
        sheet = made.add_worksheet(name)
        for column, (heading, values) in enumerate(table.items()):
            sheet.write_string(0, column, str(heading), bold)
            width = len(str(heading))
            for row, value in enumerate(values, start=1):
                width = max(width, _write(sheet, row, column, value))
            sheet.set_column(column, column, min(_WIDEST, width + 2))
        sheet.freeze_panes(1, 0)
        if len(table.columns):
            sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)
    made.close()


def _write(sheet: object, row: int, column: int, value: object) -> int:
    """Write one cell by its kind; its width in letters."""
    write_number, write_string, write_boolean = (getattr(sheet, f"write_{kind}") for kind in ("number", "string", "boolean"))
    if isinstance(value, bool | np.bool_):
        write_boolean(row, column, bool(value))
        return 5
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and math.isnan(value)):
        return 0
    if isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value):
        write_number(row, column, float(value))
        return 8
    text = _CONTROL.sub(" ", str(value))[:_LONGEST]
    write_string(row, column, text)
    return len(text)


def as_text(table: pd.DataFrame, /) -> pd.DataFrame:
    """A table for a CSV file that a spreadsheet opens: text that it would read as a formula gets an apostrophe before it.

    Parameters
    ----------
    table
        Any table.

    Returns
    -------
    pandas.DataFrame
        The same, numbers untouched.

    """
    safe = table.copy()
    for column in safe:
        values = safe[column].astype(object)
        is_text = values.map(lambda value: isinstance(value, str) and bool(_FORMULA.match(value)))
        if is_text.any():
            safe[column] = values.where(~is_text, "'" + values.astype(str))
    return safe
