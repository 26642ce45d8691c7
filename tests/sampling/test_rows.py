"""Rows chosen by the values of their columns, and the cell lines that they show."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto.sampling.rows import lines_of, rows_of
from impasto.schema import InputError

TABLE = pd.DataFrame(
    {
        "cell_line": ["U2OS", "A549", None, "A549", "HeLa"],
        "plate": [1, 1, 2, 2, 2],  # numbers are compared as they are written
    }
)


def test_rows_hold_one_of_the_values_of_every_column() -> None:
    assert rows_of(TABLE, {}) == [0, 1, 2, 3, 4]
    assert rows_of(TABLE, {"cell_line": ["A549", "HeLa"]}) == [1, 3, 4]
    assert rows_of(TABLE, {"cell_line": ["A549", "HeLa"], "plate": ["2"]}) == [3, 4]
    assert rows_of(TABLE, {"cell_line": ["U2OS"], "plate": ["2"]}) == []


def test_columns_and_values_that_are_not_there_are_sentences() -> None:
    with pytest.raises(InputError, match=r"unknown column 'cell_lin' \(did you mean 'cell_line'\?\)"):
        rows_of(TABLE, {"cell_lin": ["A549"]})
    with pytest.raises(InputError, match=r"unknown cell_line 'A459' \(did you mean 'A549'\?\)"):
        rows_of(TABLE, {"cell_line": ["A549", "A459"]})


def test_lines_are_told_once_in_order_of_name() -> None:
    assert lines_of(TABLE, [4, 3, 2, 1]) == ["A549", "HeLa"]
    assert lines_of(TABLE, [2]) == []
    assert lines_of(TABLE.drop(columns="cell_line"), [0]) == []
