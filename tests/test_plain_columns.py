"""A column of several kinds is text in every file; one of one kind stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.chaos.corpus import plates

from impasto import profiles
from impasto.plain_columns import as_text, plain


@pytest.mark.parametrize(
    "values",
    [["a", None, "b"], [1, 2, None], [1.5, np.nan], [True, None, False], [1, 2.5], [None, None], [pd.Timestamp("2026-01-31"), None]],
)
def test_a_column_of_one_kind_is_left_alone(values: list[object]) -> None:
    column = pd.Series(values, dtype=object)
    assert plain(column) is column


def test_several_kinds_become_text_and_missing_stays_missing() -> None:
    column = plain(pd.Series(["2ÿþ", 3, 4.0, 4.5, None, np.nan, True, b"x", [1]], dtype=object))
    assert column.isna().tolist() == [False] * 4 + [True, True] + [False] * 3
    assert column.dropna().tolist() == ["2ÿþ", "3", "4", "4.5", "True", "x", "[1]"]
    assert plain(pd.Series(["a", 1, "a"]).astype("category")).tolist() == ["a", "1", "a"]


def test_half_a_character_is_no_text_that_a_file_can_hold() -> None:
    assert as_text(pd.Series(["a\udcff", "b"])).tolist() == ["a?", "b"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv.gz", ".h5ad", ".zarr", ".plates"])
def test_a_count_beside_a_word_is_written_and_read_back(suffix: str, tmp_path: Path) -> None:
    table = plates()
    table.obs["note"] = pd.Series(["2ÿþ", *range(1, 48)], index=table.obs.index, dtype=object)
    profiles.write(table, tmp_path / f"p{suffix}")
    note = profiles.read(tmp_path / f"p{suffix}").obs["note"].astype(str).tolist()
    assert sorted(note) == sorted(["2ÿþ", *map(str, range(1, 48))])
