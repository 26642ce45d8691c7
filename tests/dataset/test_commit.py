"""The commit point: members and tables are there before it, and one writer at a time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.correction.plated import plates

from impasto import commit_point, dataset
from impasto.dataset import commit
from impasto.schema import InputError


def test_the_same_profiles_give_the_same_bytes(tmp_path: Path) -> None:
    data = plates(plates=3)
    for name in ("a", "b"):
        dataset.write(data if name == "a" else data[::-1].copy(), tmp_path / name)
    one, other = ({p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*.parquet")} for n in ("a", "b"))
    assert one == other
    assert (tmp_path / "a" / "dataset.json").read_bytes() == (tmp_path / "b" / "dataset.json").read_bytes()


def test_tables_are_named_by_their_digest(tmp_path: Path) -> None:
    dataset.write(plates(plates=2), tmp_path / "a")
    point = json.loads((tmp_path / "a" / "dataset.json").read_text())
    assert (point["plates"], point["rows"], point["width"], point["format"]) == (2, 80, 6, 1)
    for name in ("members", "features", "obs"):
        entry = point["tables"][name]
        assert entry["file"] == f"{name}.{entry['sha256'][:8]}.parquet"
        assert pq.read_metadata(tmp_path / "a" / entry["file"]).num_rows == {"members": 2, "features": 6, "obs": 80}[name]
    members = pd.read_parquet(tmp_path / "a" / point["tables"]["members"]["file"])
    assert list(members) == list(commit.COLUMNS)
    assert members["rows"].tolist() == [40, 40]
    assert (members["bytes"] == [(tmp_path / "a" / f).stat().st_size for f in members["file"]]).all()
    assert not [p for p in (tmp_path / "a").iterdir() if p.name.startswith(".")]


def test_without_the_commit_point_there_is_no_dataset(tmp_path: Path) -> None:
    dataset.write(plates(plates=2), tmp_path / "a")
    (tmp_path / "a" / commit_point.FILE).unlink()
    with pytest.raises(InputError, match=r"no folder of plates \(no dataset.json\)"):
        dataset.open_dataset(tmp_path / "a")


def test_a_column_that_one_plate_lacks_is_missing_there(tmp_path: Path) -> None:
    data = plates(plates=2)
    rows = []
    for plate in dataset.plates_of(data):
        if dataset.key_of(plate.obs).plate == "P1":
            del plate.obs["gene"]
        rows.append(commit.add_member(plate, tmp_path / "a"))
    commit.commit(tmp_path / "a", rows, data.var)
    opened = dataset.open_dataset(tmp_path / "a")
    assert opened.obs["gene"].isna().sum() == 20 + 40
    assert "gene" not in opened[1].obs


def test_a_file_is_linked_or_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("x")
    commit.link(tmp_path / "a", tmp_path / "b" / "c")
    assert (tmp_path / "b" / "c").samefile(tmp_path / "a")

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    commit.link(tmp_path / "a", tmp_path / "d")
    assert (tmp_path / "d").read_text() == "x"
    assert not (tmp_path / "d").samefile(tmp_path / "a")
