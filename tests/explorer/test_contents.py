"""The parts of an index: members of perturbations, plates, and a version 1 in the form of version 2."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient
from tests.explorer.conftest import ADDRESS
from tests.explorer.test_near import OBS, row

from impasto.atlas import index
from impasto.explorer.contents import Contents, open_contents
from impasto.explorer.server import application
from impasto.schema import InputError


def test_members_are_the_wells_of_a_compound_or_of_its_dose(contents: Contents) -> None:
    for name in ("id-0", "id-3", "DMSO"):
        assert contents.members(row(contents, name)).tolist() == np.flatnonzero(OBS["perturbation"] == name).tolist()
    at = np.flatnonzero((OBS["perturbation"] == "id-2") & (OBS["concentration"] == 100.0))
    assert contents.members(row(contents, "id-2", 100.0)).tolist() == at.tolist()


def test_rows_say_which_are_doses_compounds_and_controls(contents: Contents) -> None:
    rows = contents.rows
    assert contents.is_dose.tolist() == rows["concentration"].notna().tolist()
    assert rows.loc[contents.negative, "perturbation"].tolist() == ["DMSO"]
    assert len(set(contents.compound)) == 5
    assert contents.plates == ["P1", "P2"]


def first_version(folder: Path) -> Path:
    """An index as it was written before: one list of wells, perturbations and texts."""
    rng = np.random.default_rng(0)
    wells = pd.DataFrame({"plate": "P1", "well": [f"A{n:02d}" for n in range(1, 13)], "perturbation": ["a", "b", "DMSO", "DMSO"] * 3})
    wells["control_type"] = np.where(wells["perturbation"] == "DMSO", "negcon", "trt")
    others = pd.DataFrame({"perturbation": ["DMSO", "a", "b"], "control_type": ["negcon", "trt", "trt"], "n_rows": [6, 3, 3]})
    texts = pd.DataFrame({"perturbation": ["a"]})
    parts = [wells.assign(level="well", modality="profile"), others.assign(level="perturbation", modality="profile")]
    rows = pd.concat([*parts, texts.assign(level="perturbation", modality="perturbation")], ignore_index=True)
    vectors = rng.normal(size=(len(rows), 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folder.mkdir()
    rows.assign(x=rng.normal(size=len(rows)) * 9, y=1.0).to_parquet(folder / "rows.parquet")
    np.save(folder / "vectors.npy", vectors)
    (folder / "index.json").write_text(json.dumps({"engine": "exact", "layout": "pca", "run": None, "width": 5, "identity": {}}))
    return folder


def test_the_first_version_is_read(tmp_path: Path) -> None:
    opened = index.open_index(first_version(tmp_path / "old"))
    contents = open_contents(opened)
    assert (contents.wells.num_rows, contents.perturbations.num_rows) == (12, 3)
    client = TestClient(application(opened), base_url=ADDRESS)
    said = client.get("/api/about").json()
    assert said["versions"]["index"] == 1
    assert {"cells", "hits", "features"} <= set(said["missing"])
    assert all("impasto index" in said["missing"][part] for part in ("cells", "hits", "features"))
    assert said["colours"]["perturbation"] == ["DMSO", "a", "b"]
    near = client.get("/api/near/1").json()
    got, vectors = near["rows"], np.asarray(opened.vectors)
    assert [(one["row"], one["beyond"]) for one in got] == [(2, None)]
    assert got[0]["score"] == pytest.approx(float(vectors[13] @ vectors[14]), abs=1e-6)
    assert client.get("/api/card/1").json()["wells"] == [0, 4, 8]
    wells = contents.wells.to_pandas()
    assert wells["x"].abs().max() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "size"), [("pairs.npy", 10), ("features.npy", 130), ("features.arrow", 50), ("hits.parquet", 30), ("images.parquet", 30)]
)
def test_a_damaged_file_is_a_sentence(folder: Path, tmp_path: Path, name: str, size: int) -> None:
    shutil.copytree(folder, tmp_path / "index")
    os.truncate(tmp_path / "index" / name, size)
    said = r"(is damaged|cannot be read as a .*) \(.*\); make the index again: impasto index"
    with pytest.raises(InputError, match=said):
        open_contents(index.open_index(tmp_path / "index"))


def test_features_of_other_perturbations_are_damage(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "index")
    np.save(tmp_path / "index" / "features.npy", np.zeros((3, 12), dtype=np.float16))
    with pytest.raises(InputError, match=r"has the shape \(3, 12\), and 21 perturbations have 12 features"):
        open_contents(index.open_index(tmp_path / "index"))
