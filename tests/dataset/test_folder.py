"""A dataset opened: by plate, by name, whole where it fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.correction.plated import plates

import impasto as im
from impasto import dataset, machine
from impasto.failures import Unfinished
from impasto.schema import InputError


@pytest.fixture
def opened(tmp_path: Path) -> dataset.Dataset:
    im.write(plates(plates=3), tmp_path / "a.plates")
    return im.open(tmp_path / "a.plates")


def test_plates_one_after_the_other(opened: dataset.Dataset) -> None:
    data = plates(plates=3)
    assert (len(opened), opened.n_obs, opened.n_vars) == (3, 120, 6)
    assert [plate.obs["plate"].iloc[0] for plate in opened] == ["P0", "P1", "P2"]
    assert opened.offsets.tolist() == [0, 40, 80, 120]
    whole = opened.to_anndata()
    np.testing.assert_array_equal(whole.X, data.X)
    assert whole.obs["well"].tolist() == data.obs["well"].tolist() == opened.obs["well"].tolist()
    some = opened.to_anndata(rows=(opened.obs["control_type"] == "negcon").to_numpy())
    np.testing.assert_array_equal(some.X, data.X[(data.obs["control_type"] == "negcon").to_numpy()])
    assert "3 plates, 120 rows x 6 features" in repr(opened)
    assert [table.num_rows for table in opened.obs_tables()] == [40, 40, 40]


def test_a_plate_by_its_name(opened: dataset.Dataset) -> None:
    assert opened["P1"].obs["batch"].iloc[0] == "B1"
    assert opened["B1/P1"].n_obs == opened[1].n_obs == opened[-2].n_obs == opened[dataset.Key("", "B1", "P1")].n_obs == 40
    with pytest.raises(InputError, match=r"no plate 'P11' \(did you mean 'P1'"):
        opened["P11"]
    with pytest.raises(InputError, match="has 3 plates, and no plate number 3"):
        opened[3]


def test_a_name_of_two_plates_has_to_be_said_in_full(tmp_path: Path) -> None:
    data = plates(plates=2)
    data.obs["plate"] = "P"
    im.write(data, tmp_path / "a.plates")
    opened = im.open(tmp_path / "a.plates")
    with pytest.raises(InputError, match="2 plates are named 'P'; say which: B0/P, B1/P"):
        opened["P"]
    assert opened["B1/P"].n_obs == 40


def test_what_does_not_fit_into_memory_is_refused(opened: dataset.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "held_memory", lambda: 100)
    monkeypatch.setattr(machine, "free_memory", lambda: 2 * 120 * 6 * 4 - 101)
    with pytest.raises(Unfinished, match=r"reading its plates whole needs under 0\.1 GB of memory, and .*plate by plate"):
        opened.to_anndata()
    monkeypatch.setattr(machine, "free_memory", lambda: 2 * 120 * 6 * 4 - 100)
    assert opened.to_anndata().n_obs == 120
    # Where no system says how much there is, nothing is refused.
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    assert opened.to_anndata().n_obs == 120


def test_members_are_compared_with_what_the_dataset_says(opened: dataset.Dataset) -> None:
    assert opened.check() == []
    first, second, _ = (opened.folder / file for file in opened.members["file"])
    first.unlink()
    second.write_bytes(second.read_bytes()[:-9])
    (one, gone), (other, cut) = opened.check()
    assert (one, gone) == ("members/_/B0/P0.parquet", "is missing")
    assert other == "members/_/B1/P1.parquet"
    assert "is not as it was written" in cut


def test_a_member_of_other_rows_is_refused(opened: dataset.Dataset) -> None:
    files = [opened.folder / file for file in opened.members["file"]]
    less = opened[0][:-1].copy()
    dataset.write_member(less, files[0])
    with pytest.raises(InputError, match="holds 39 rows, and its dataset says 40"):
        opened[0]


def test_a_format_to_come_is_refused(opened: dataset.Dataset) -> None:
    path = opened.folder / "dataset.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(InputError, match="is of format 2, and this version reads format 1"):
        im.open(opened.folder)
    path.write_text("{}")
    with pytest.raises(InputError, match="a commit point that cannot be read"):
        im.open(opened.folder)


def test_duckdb_sees_a_column_a_feature(opened: dataset.Dataset) -> None:
    pytest.importorskip("duckdb")
    name = opened.features.index[2]
    rows = opened.sql().execute(f'SELECT Metadata_plate, median("{name}") FROM plates GROUP BY 1 ORDER BY 1').fetchall()
    assert [row[0] for row in rows] == ["P0", "P1", "P2"]
    np.testing.assert_allclose([row[1] for row in rows], [np.median(plate.X[:, 2]) for plate in opened], rtol=1e-6)


def test_features_without_a_name_are_refused(opened: dataset.Dataset) -> None:
    (path,) = opened.folder.glob("features.*.parquet")
    table = pd.read_parquet(path)
    table.loc[0, "feature"] = None
    table.to_parquet(path, index=False)
    with pytest.raises(InputError, match="1 features have no name; restore it from a copy"):
        im.open(opened.folder)
    table.rename(columns={"feature": "f"}).to_parquet(path, index=False)
    with pytest.raises(InputError, match=r"cannot be read as a folder of plates .*restore it from a copy"):
        im.open(opened.folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rows", None),
        ("rows", 119),
        ("rows", "x"),
        ("tables", None),
        ("tables", {"obs": 3}),
        ("uns", 3),
        ("uns", "x"),
        ("quarantine", 3),
        ("quarantine", ["x"]),
    ],
)
def test_a_commit_point_of_other_values_is_a_sentence(opened: dataset.Dataset, key: str, value: object) -> None:
    path = opened.folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match="restore it from a copy"):
        im.open(opened.folder)
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != key}))
    with pytest.raises(InputError, match="restore it from a copy"):
        im.open(opened.folder)


@pytest.mark.parametrize("read", [lambda d: d.obs, lambda d: d.obs_tables(), lambda d: d.to_anndata(), lambda d: d.mapped()])
def test_annotation_of_other_rows_than_the_plates_is_refused(opened: dataset.Dataset, read: Callable[[dataset.Dataset], object]) -> None:
    (path,) = opened.folder.glob("obs.*.parquet")
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), path)
    with pytest.raises(InputError, match=rf"{path.name} holds {opened.n_obs + 1} rows, and the plates hold {opened.n_obs}"):
        read(dataset.open_dataset(opened.folder))
