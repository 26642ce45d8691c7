"""A table of images as text: missing is empty, whole numbers have no point, a changed file is read again."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto.plates import tabular
from impasto.plates.listing import Listing
from impasto.schema import InputError


def test_values_are_text(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"page": [1.0, np.nan], "dose": [0.5, 2.0], "well": ["A01", None]}).to_parquet(path)
    table = tabular.require(Listing.of(path))
    assert table["page"].tolist() == ["1", ""]
    assert table["dose"].tolist() == ["0.5", "2.0"]
    assert table["well"].tolist() == ["A01", ""]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("well,x\nA01,1\n")
    assert tabular.at(str(path))["well"].tolist() == ["A01"]  # type: ignore[index]
    path.write_text("well,x\nB02,1\n")
    os.utime(path, ns=(1, 1))
    assert tabular.at(str(path))["well"].tolist() == ["B02"]  # type: ignore[index]


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    assert tabular.at(str(tmp_path / "a.zip")) is None
    assert tabular.at("s3://bucket/plate.nd2") is None
    assert tabular.read(Listing.of(tmp_path)) is None
    with pytest.raises(InputError, match="is no table"):
        tabular.require(Listing.of(tmp_path))
