"""Annotation as a file can hold it: a column of several kinds (a count beside a word) becomes text before it is written."""

from __future__ import annotations

import numpy as np
import pandas as pd

_ONE_KIND = frozenset(
    {"string", "integer", "floating", "mixed-integer-float", "boolean", "empty", "date", "datetime", "datetime64", "time"}
)


def plain(column: pd.Series, /) -> pd.Series:
    """A column of one kind.

    Parameters
    ----------
    column
        n values.

    Returns
    -------
    pandas.Series
        The same column where its values are of one kind; else their text. What is missing stays missing.

    """
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.categories.dtype == object:
        return column if pd.api.types.infer_dtype(column.cat.categories) in _ONE_KIND else as_text(column)
    if column.dtype != object or pd.api.types.infer_dtype(column, skipna=True) in _ONE_KIND:
        return column
    return as_text(column)


def as_text(column: pd.Series, /) -> pd.Series:
    """The text of each value.

    Parameters
    ----------
    column
        n values.

    Returns
    -------
    pandas.Series
        Of pandas' own kind `string`. A whole number has no point (`3`); what is missing stays missing.

    """
    values = column.astype(object)
    return values.map(_text, na_action="ignore").astype("string").where(values.notna())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")  # half of a character, as some tables hold it
    return str(int(value)) if isinstance(value, float | np.floating) and value.is_integer() else str(value)
