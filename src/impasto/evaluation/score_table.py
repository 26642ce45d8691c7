"""The table of scores: a data frame whose rows hold plain numbers.

`table.iloc[0]` of a data frame with words and numbers holds NumPy's numbers: `numpy.float64` and `numpy.int64`. Their comparisons are
`numpy.bool_`, which is not `True`, is no exit code and does not go into JSON. A row of this table holds Python's own. Columns stay NumPy
arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd


class ScoreTable(pd.DataFrame):  # type: ignore[misc]
    """A data frame whose rows hold Python's own numbers; whatever is cut from it is one too."""

    @property
    def _constructor(self) -> type[ScoreTable]:
        return ScoreTable

    @property
    def _constructor_sliced(self) -> Callable[..., pd.Series]:
        return _plain


def _plain(data: Any = None, index: Any = None, dtype: Any = None, name: Any = None, copy: bool | None = None) -> pd.Series:
    """A column as it is; a row, which has numbers among its words, with Python's own numbers."""
    made: pd.Series = pd.Series(data, index, dtype, name, copy)
    if made.dtype != object or not any(isinstance(value, np.generic) for value in made.array):
        return made
    values = [value.item() if isinstance(value, np.generic) else value for value in made.array]
    return pd.Series(values, index=made.index, dtype=object, name=made.name)
