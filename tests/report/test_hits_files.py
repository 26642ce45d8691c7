"""hits.csv and hits.xlsx hold the same rows; the sheets are those that people were told of."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tests.assay.layouts import assay

from impasto import tables
from impasto.assay.check import check
from impasto.report import hits_files
from impasto.report.hits_rows import HitsOfRun


def made() -> HitsOfRun:
    rows = pd.DataFrame(
        {"name": ["=a", "b", "c"], "hit": pd.Series([True, False, pd.NA], dtype="boolean"), "toxic": [pd.NA] * 3, "p": [0.1, 0.2, None]}
    )
    curves = pd.DataFrame({"perturbation": ["a"], "curve": [True], "ec50": [1.5], "other": [0]})
    return HitsOfRun(rows, True, curves, pd.DataFrame(), pd.DataFrame(), pd.DataFrame({"plate": ["1"], "well": ["A01"]}))


def test_csv_and_first_sheet(tmp_path: Path) -> None:
    hits_files.write(made(), check(assay()), {"version": "1"}, tmp_path / "hits.csv", tmp_path / "hits.xlsx")
    csv = pd.read_csv(tmp_path / "hits.csv", keep_default_na=False)
    assert csv["name"].tolist() == ["'=a", "b", "c"]
    assert csv["hit"].tolist() == ["yes", "no", ""]
    assert csv["toxic"].tolist() == ["", "", ""]
    sheet, _ = tables.read(tmp_path / "hits.xlsx", sheet="hits")
    assert sheet["name"].tolist() == ["=a", "b", "c"]
    assert (tmp_path / "hits.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # Excel reads UTF-8 only so


def test_sheets() -> None:
    sheets = hits_files.sheets(made(), check(assay(controls=8)), {"version": "1"})
    assert list(sheets) == ["hits", "curves", "wells", "design", "about"]
    assert "other" not in sheets["curves"]
    assert sheets["design"]["what"].tolist().count("warning") >= 1
    assert sheets["about"].to_dict("list") == {"what": ["version"], "value": ["1"]}
    assert hits_files.sheets(made(), None, {})["design"].empty
