"""Yokogawa's records: errors left out, projections without a depth, numbered wells by row and column."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto.plates import measurement
from impasto.schema import InputError

RECORDS = """<b:MeasurementData xmlns:b="urn:b">
<b:MeasurementRecord b:Type="IMG" b:Row="2" b:Column="11">a.tif</b:MeasurementRecord>
<b:MeasurementRecord b:Type="ERR" b:Row="1" b:Column="1">bad.tif</b:MeasurementRecord>
<b:MeasurementRecord b:Type="ERR" b:Row="1" b:Column="1"></b:MeasurementRecord>
<b:MeasurementRecord b:Type="IMG" b:ZImageProcessing="MIP" b:Row="1" b:Column="3"> flat.tif </b:MeasurementRecord>
</b:MeasurementData>"""


def frame(folder: Path) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "folder": [str(folder)] * 4,
            "name": ["a.tif", "bad.tif", "flat.tif", "unlisted.tif"],
            "well": ["", "B01", "C07", "D01"],
            "wellnumber": ["5", "", "", "7"],
            "depth": ["1", "1", "1", "2"],
        }
    )
    return rows.astype({"folder": "category"})


def test_records_say_what_the_names_do_not(tmp_path: Path) -> None:
    (tmp_path / "MeasurementData.mlf").write_text(RECORDS)
    notes: list[str] = []
    kept = measurement.apply(frame(tmp_path), notes)
    assert kept["name"].tolist() == ["a.tif", "flat.tif", "unlisted.tif"]
    assert kept["well"].astype(str).tolist() == ["B11", "C07", "D01"]
    assert kept["depth"].astype(str).tolist() == ["1", "", "2"]
    assert notes == [
        "2 records of MeasurementData.mlf are errors; their images are left out",
        "1 images are projections, by MeasurementData.mlf",
    ]


def test_without_a_list_nothing_changes_and_a_damaged_one_is_a_sentence(tmp_path: Path) -> None:
    notes: list[str] = []
    assert measurement.apply(frame(tmp_path), notes)["name"].tolist() == frame(tmp_path)["name"].tolist()
    assert notes == []
    (tmp_path / "MeasurementData.mlf").write_text(RECORDS[:90])
    with pytest.raises(InputError, match="in XML"):
        measurement.apply(frame(tmp_path), notes)
