"""The rows of a table that a training is given, chosen by the values of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import one_of


def rows_of(table: pd.DataFrame, only: Mapping[str, Sequence[str]], /) -> list[int]:
    """The rows whose columns hold the values asked for. Raises InputError on a column or a value that is not there."""
    inside = np.ones(len(table), dtype=bool)
    for column, values in only.items():
        found = table[one_of(column, table.columns, what="column")].astype(str)
        for value in values:
            one_of(value, set(found), what=column)
        inside &= found.isin(list(values)).to_numpy()
    return [int(row) for row in np.flatnonzero(inside)]


def lines_of(obs: pd.DataFrame, rows: Sequence[int] | npt.NDArray[np.intp], /) -> list[str]:
    """The cell lines of these rows, sorted: what a run has seen."""
    return sorted(obs[schema.CELL_LINE].iloc[rows].dropna().astype(str).unique()) if schema.CELL_LINE in obs else []
