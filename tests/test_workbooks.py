"""Workbooks: text stays text, numbers stay numbers, and the same table gives the same bytes."""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto import tables, workbooks

NASTY = ["=1+1", "+x", "-y", "@SUM(A1)", "\tz", "http://a.b", "12", "a\x01b", "", "ß µM"]


def test_text_is_typed_as_text(tmp_path: Path) -> None:
    workbooks.write(tmp_path / "a.xlsx", {"s": pd.DataFrame({"t": NASTY, "n": np.arange(10) / 4, "b": [True, False] * 5})})
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
        assert len(re.findall(r't="s"', sheet)) == 3 + 10  # the headings and every text, the empty one too
        assert 'state="frozen"' in sheet
        assert '<autoFilter ref="A1:C11"/>' in sheet
    back, _ = tables.read(tmp_path / "a.xlsx")
    assert [str(v) for v in back["t"].fillna("")][:4] == NASTY[:4]
    assert back["n"].astype(float).tolist() == (np.arange(10) / 4).tolist()


def test_missing_values_are_empty_cells(tmp_path: Path) -> None:
    workbooks.write(tmp_path / "a.xlsx", {"s": pd.DataFrame({"t": ["x", None], "n": [np.nan, 2.0]}), "none": pd.DataFrame({"a": []})})
    back, _ = tables.read(tmp_path / "a.xlsx", sheet="s")
    assert back["t"].isna().tolist() == [False, True]
    assert back["n"].isna().tolist() == [True, False]


def sheet_of(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


@pytest.mark.parametrize("missing", [None, pd.NA, np.nan, np.float32("nan")], ids=["None", "NA", "nan", "float32"])
def test_a_missing_value_of_any_kind_writes_no_cell(missing: object, tmp_path: Path) -> None:
    workbooks.write(tmp_path / "a.xlsx", {"s": pd.DataFrame({"t": pd.Series(["x", missing, "y"], dtype=object)})})
    assert re.findall(r'<c r="(\w+)"', sheet_of(tmp_path / "a.xlsx")) == ["A1", "A2", "A4"]


def test_a_column_is_as_wide_as_what_it_holds_and_two_letters_at_most_sixty(tmp_path: Path) -> None:
    table = {"heading of 20 letters": [1], "n": [2.5], "b": [True], "t": ["seven.."], "long": ["x" * 80], "none": [None]}
    workbooks.write(tmp_path / "a.xlsx", {"s": pd.DataFrame(table)})
    # A sheet adds five pixels of seven a letter.
    widths = [
        round(float(width) - 5 / 7) for width in re.findall(r'<col min="\d+" max="\d+" width="([\d.]+)"', sheet_of(tmp_path / "a.xlsx"))
    ]
    assert widths == [21 + 2, 8 + 2, 5 + 2, 7 + 2, 60, 4 + 2]


def test_a_text_is_cut_where_a_cell_ends(tmp_path: Path) -> None:
    workbooks.write(tmp_path / "a.xlsx", {"s": pd.DataFrame({"t": ["x" * 40_000]})})
    assert len(tables.read(tmp_path / "a.xlsx")[0]["t"].iloc[0]) == 32_767


def test_a_sheet_without_rows_has_its_headings_and_one_without_columns_nothing(tmp_path: Path) -> None:
    workbooks.write(tmp_path / "a.xlsx", {"s": pd.DataFrame({"a": [], "b": []})})
    assert '<autoFilter ref="A1:B2"/>' in sheet_of(tmp_path / "a.xlsx")
    workbooks.write(tmp_path / "b.xlsx", {"s": pd.DataFrame()})
    assert "autoFilter" not in sheet_of(tmp_path / "b.xlsx")


def test_infinity_is_text_and_no_number(tmp_path: Path) -> None:
    workbooks.write(tmp_path / "a.xlsx", {"s": pd.DataFrame({"n": [np.inf, 1.0]})})
    assert "inf" in tables.read(tmp_path / "a.xlsx")[0]["n"].astype(str).tolist()


def test_the_same_bytes(tmp_path: Path) -> None:
    table = {"s": pd.DataFrame({"t": NASTY})}
    workbooks.write(tmp_path / "a.xlsx", table)
    time.sleep(1.1)
    workbooks.write(tmp_path / "b.xlsx", table)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


@pytest.mark.parametrize(("text", "safe"), [("=1", "'=1"), ("-a", "'-a"), ("@b", "'@b"), ("+c", "'+c"), ("a=1", "a=1"), ("(-)-d", "(-)-d")])
def test_formulas_of_a_csv_are_text(text: str, safe: str) -> None:
    table = pd.DataFrame({"t": [text, "x"], "n": [-1.5, 2.0]})
    made = workbooks.as_text(table)
    assert made["t"].tolist() == [safe, "x"]
    assert made["n"].tolist() == [-1.5, 2.0]
    assert table["t"].iloc[0] == text
