"""Columns that keep each value once: the same words come back, whatever is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto.plates import columns


def test_values_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    coded, texts = columns.Coded(), columns.Texts()
    monkeypatch.setattr(columns, "_CHUNK", 2)
    words = ["b", "a", "b", "", "c"]
    for word in words:
        coded.add(word)
        texts.add(word)
    assert list(coded.column()) == words
    assert list(coded.column().categories) == ["b", "a", "", "c"]
    assert list(texts.column()) == words
    assert len(columns.Coded().column()) == 0
    assert len(columns.Texts().column()) == 0


def test_anything_becomes_text_and_what_is_missing_is_empty() -> None:
    assert list(columns.coded([1, None, "a", np.nan, "a"])) == ["1", "", "a", "", "a"]
    assert list(columns.coded(pd.Series([1, 2], dtype="category"))) == ["1", "2"]
    assert list(columns.coded(pd.Series(["x", None]))) == ["x", ""]
    assert columns.text(pd.Categorical(["b", "a", "b"])).tolist() == ["b", "a", "b"]


def test_values_that_become_equal_are_one() -> None:
    column = pd.Categorical(["a", "b", None, "c"])
    changed = columns.recoded(column, {"a": "x", "b": "x"})
    assert list(changed) == ["x", "x", "", ""]
    assert list(changed.categories) == ["x", ""]
    assert list(columns.recoded(pd.Categorical(["a", "b"]), str.upper)) == ["A", "B"]
    assert list(columns.recoded(pd.Categorical([], categories=["a"]), str.upper)) == []


def test_different_rows_are_numbered_as_they_come() -> None:
    frame = pd.DataFrame({"p": ["1", "1", "2", "1"], "q": ["x", "y", "x", "x"], "r": ["z"] * 4})
    code, rows = columns.coded_rows(frame, ["p", "q", "r"])
    assert code.codes.tolist() == [0, 1, 2, 0]
    assert rows == [("1", "x", "z"), ("1", "y", "z"), ("2", "x", "z")]
    code, rows = columns.coded_rows(frame[:0], ["p", "q"])
    assert rows == []
