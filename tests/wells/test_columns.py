"""Columns as text, and columns that must be there."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.wells.tables import table

from impasto import wells
from impasto.schema import InputError


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match=r"sparing needs the column 'well', and the profiles have plate; .*--set columns.well=NAME"):
        wells.require(table(plate=["1"]), ["plate", "well"], task="sparing")
    wells.require(table(plate=["1"]), ["plate"], task="sparing")


def test_text_that_is_empty_is_missing() -> None:
    assert wells.columns.text(pd.Series(["a", "", None, 3], dtype=object)).fillna("-").tolist() == ["a", "-", "-", "3"]
