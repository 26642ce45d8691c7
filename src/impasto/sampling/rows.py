"""The rows of a table that a training is given, chosen by the values of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import one_of


def rows_of(table: pd.DataFrame, only: Mapping[str, Sequence[str]], /) -> list[int]:
    """The rows whose columns hold the values asked for.

    Parameters
    ----------
    table
        Annotation of n rows.
    only
        Column -> the values that are in.

    Returns
    -------
    list[int]
        Numbers of rows, sorted.

    Raises
    ------
    InputError
        Where a column or a value is not there.

    """
    inside = np.ones(len(table), dtype=bool)
    for column, values in only.items():
        written = table[one_of(column, table.columns, what="column")].astype(str)
        for value in values:
            one_of(value, set(written), what=column)
        inside &= written.isin(list(values)).to_numpy()
    return [int(row) for row in np.flatnonzero(inside)]


def lines_of(obs: pd.DataFrame, rows: Sequence[int] | npt.NDArray[np.intp], /) -> list[str]:
    """The cell lines of some rows: what a run has seen.

    Parameters
    ----------
    obs
        Annotation of n rows.
    rows
        Numbers of rows.

    Returns
    -------
    list[str]
        Names, sorted; none without a column of cell lines.

    """
    return sorted(obs[schema.CELL_LINE].iloc[rows].dropna().astype(str).unique()) if schema.CELL_LINE in obs else []
