"""Columns that are filled row by row and keep each value once: a few bytes a row, however long the values are."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

_CHUNK = 1 << 17


class Coded:
    """A column of text with few different values."""

    def __init__(self) -> None:
        self._codes = array("i")
        self._places: dict[str, int] = {}

    def add(self, value: str, /) -> None:
        """Append one value.

        Parameters
        ----------
        value
            Of the next row.

        """
        places = self._places
        code = places.get(value)
        if code is None:
            code = places[value] = len(places)
        self._codes.append(code)

    def column(self) -> pd.Categorical:
        """The column of all values.

        Returns
        -------
        pandas.Categorical
            (n,) in the order in which they were added.

        """
        return pd.Categorical.from_codes(np.frombuffer(self._codes, dtype=np.int32), categories=pd.Index(list(self._places), dtype=object))


class Texts:
    """A column of text with as many values as rows."""

    def __init__(self) -> None:
        self._chunks: list[pa.StringArray] = []
        self._last: list[str] = []

    def add(self, value: str, /) -> None:
        """Append one value.

        Parameters
        ----------
        value
            Of the next row.

        """
        self._last.append(value)
        if len(self._last) >= _CHUNK:
            self._flush()

    def column(self) -> pd.arrays.ArrowExtensionArray:
        """The column of all values.

        Returns
        -------
        pandas.arrays.ArrowExtensionArray
            (n,) of Arrow text, in the order in which they were added.

        """
        self._flush()
        return pd.arrays.ArrowExtensionArray(pa.chunked_array(self._chunks, type=pa.string()))

    def _flush(self) -> None:
        if self._last:
            self._chunks.append(pa.array(self._last, pa.string()))
            self._last = []


def coded(values: Iterable[object], /) -> pd.Categorical:
    """Any values as a column of text that keeps each once.

    Parameters
    ----------
    values
        n values of any type.

    Returns
    -------
    pandas.Categorical
        (n,) of text; what is missing is `""`.

    """
    series = pd.Series(values, dtype="object" if not isinstance(values, pd.Series | pd.Categorical) else None)
    if isinstance(series.dtype, pd.CategoricalDtype):
        return recoded(series.array, str)
    text = series.astype("string").fillna("")
    codes, categories = pd.factorize(text.to_numpy(dtype=object))
    return pd.Categorical.from_codes(codes, categories=pd.Index(categories, dtype=object))


def recoded(column: pd.Categorical, change: Mapping[str, str] | Mapping[int, str] | Callable[[str], str], /) -> pd.Categorical:
    """A column with every value changed.

    Parameters
    ----------
    column
        (n,) of any categories.
    change
        Old value -> new one, or a function of the old one.

    Returns
    -------
    pandas.Categorical
        (n,) of text. Values that become equal are one category. What is missing, or not in the mapping, is `""`.

    """
    if isinstance(change, Mapping):
        changed = [change.get(value, "") for value in column.categories]
    else:
        changed = [change(str(value)) for value in column.categories]
    codes = column.codes.astype(np.int32)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(changed), codes)
        changed.append("")
    new, categories = pd.factorize(np.array(changed, dtype=object))
    return pd.Categorical.from_codes(new[codes] if len(codes) else codes, categories=pd.Index(categories, dtype=object))


def coded_rows(frame: pd.DataFrame, words: Sequence[str], /) -> tuple[pd.Categorical, list[tuple[str, ...]]]:
    """The different rows of some columns.

    Parameters
    ----------
    frame
        n rows.
    words
        Names of its columns.

    Returns
    -------
    places : pandas.Categorical
        (n,) the number of each row among the different ones.
    rows : list[tuple[str, ...]]
        The different rows, in order of appearance.

    """
    code = np.zeros(len(frame), dtype=np.int64)
    columns = [coded(frame[word]) for word in words]
    for column in columns:
        code = code * max(1, len(column.categories)) + column.codes
    places, different = pd.factorize(code)
    rows = []
    for value in different:
        row: list[str] = []
        for column in reversed(columns):
            value, at = divmod(int(value), max(1, len(column.categories)))
            row.append(str(column.categories[at]))
        rows.append(tuple(reversed(row)))
    return pd.Categorical.from_codes(places, categories=range(len(rows))), rows


def text(column: pd.Series | pd.Categorical, /) -> pd.Series:
    """A column as plain Python objects, without categories.

    Parameters
    ----------
    column
        (n,) of any kind.

    Returns
    -------
    pandas.Series
        (n,) with the same values.

    """
    series = pd.Series(column)
    return pd.Series(series.to_numpy(dtype=object), index=series.index, dtype=object)
