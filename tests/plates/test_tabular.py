"""A table of images as text, in parts: missing is empty, whole numbers have no point, a changed file is read again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto.plates import tabular


def whole(path: Path) -> pd.DataFrame:
    return pd.concat(tabular.parts(str(path)), ignore_index=True)


def test_values_are_text(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"page": [1.0, np.nan], "dose": [0.5, 2.0], "well": ["A01", None]}).to_parquet(path)
    table = whole(path)
    assert table["page"].tolist() == ["1", ""]
    assert table["dose"].tolist() == ["0.5", "2.0"]
    assert table["well"].tolist() == ["A01", ""]
    assert tabular.columns(str(path)) == ["page", "dose", "well"]
    assert tabular.count(str(path)) == 2


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_a_long_table_comes_in_parts_that_are_the_whole(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"Plate": [f"{n % 384:06d}" for n in range(90_000)], "Site": [str(n) for n in range(90_000)]})
    path = tmp_path / f"t.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    monkeypatch.setattr("impasto.tables.GRIDS_UP_TO", 1000)
    parts = list(tabular.parts(str(path)))
    assert [len(part) for part in parts] == [tabular.ROWS] * (90_000 // tabular.ROWS) + [90_000 % tabular.ROWS]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), frame)
    assert tabular.count(str(path)) == 90_000


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("well,x\nA01,1\n")
    assert whole(path)["well"].tolist() == ["A01"]
    path.write_text("well,x\nB02,1\n")
    os.utime(path, ns=(1, 1))
    assert whole(path)["well"].tolist() == ["B02"]


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    for path in (str(tmp_path / "a.zip"), "s3://bucket/plate.nd2", str(tmp_path)):
        assert tabular.columns(path) == []
        assert tabular.count(path) == 0
