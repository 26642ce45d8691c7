"""A map is whole, says what it is, and is refused where it was changed on its way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.atlas.plates_on_maps import corrected, plates

from impasto.atlas import building, folder, index, layout, map_folder
from impasto.atlas.stacked import Stacked
from impasto.schema import InputError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("map")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "has_umap", lambda: False)
        corrected(plates(3, seed=0), where)
    map_folder.pack(where / "run" / "index", where / "run" / "c.fitted", where / "map", licence="CC0-1.0")
    return where


def test_it_says_what_it_is_and_its_features_are_those_of_the_profiles(made: Path) -> None:
    opened = map_folder.open_map(made / "map")
    assert opened.described["licence"] == "CC0-1.0"
    assert opened.described["steps"] == ["standardize", "clip"]
    assert opened.features == [f"Cells_Texture_Contrast_DNA_{i}" for i in range(6)]
    assert opened.described["wells"] == len(opened.wells) == 3 * 24
    assert set(opened.described["files"]) >= {"index/index.json", "fitted/steps.json", "reach.npy"}


def test_reach_is_the_cosine_to_the_nearest_well_of_another_plate(made: Path) -> None:
    opened = map_folder.open_map(made / "map")
    x = np.asarray(opened.index.vectors[opened.wells])
    plate = opened.index.plate_of_row[opened.wells]
    by_hand = [max(float(x[i] @ x[j]) for j in range(len(x)) if plate[j] != plate[i]) for i in range(len(x))]
    np.testing.assert_allclose(opened.reach, np.sort(by_hand), atol=1e-6)


def test_with_one_plate_a_well_is_not_its_own_nearest(opened: index.Index) -> None:
    one = ((opened.rows["level"] == "well") & (opened.rows["plate"] == "P0")).to_numpy(dtype=bool)
    alone = index.Index(
        opened.folder, Stacked([opened.vectors[np.flatnonzero(one)]]), opened.rows[one].reset_index(drop=True), None, "exact"
    )
    assert map_folder.reach_of(alone).max() < 1 - 1e-4


def test_the_parts_of_a_run_are_found_once_or_named(made: Path, tmp_path: Path) -> None:
    assert map_folder.parts_of(made / "run", None) == (made / "run" / "index", made / "run" / "c.fitted")
    assert map_folder.parts_of(made / "run" / "index", made / "x") == (made / "run" / "index", made / "x")
    with pytest.raises(InputError, match=r"holds 0 folders of one index"):
        map_folder.parts_of(tmp_path, None)
    with pytest.raises(InputError, match=r"holds 0 folders of one fitted correction.*name one with --fitted; correct with --keep"):
        map_folder.parts_of(made / "run" / "index", None)
    with pytest.raises(InputError, match="is no folder"):
        map_folder.parts_of(tmp_path / "none", None)


@pytest.mark.parametrize("name", ["reach.npy", "fitted/state.safetensors", "index/vectors/profiles.wells.npy"])
def test_a_changed_file_is_refused(made: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made / "map", copy)
    held = bytearray((copy / name).read_bytes())
    held[-1] ^= 1
    (copy / name).write_bytes(held)
    with pytest.raises(InputError, match=f"{name} is not as it was written; bring the map again"):
        map_folder.open_map(copy)
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        map_folder.open_map(copy)


def test_what_is_no_map_or_a_newer_one_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no map"):
        map_folder.open_map(tmp_path)
    (tmp_path / "map.json").write_text(json.dumps({"format": 9, "files": {}}))
    with pytest.raises(InputError, match="format 9, and this version reads format 1"):
        map_folder.open_map(tmp_path)
    for odd in ({}, {"features": None}, {"features": [], "title": "x"}):
        (tmp_path / "map.json").write_text(json.dumps({"format": 1, "files": {}} | odd))
        with pytest.raises(InputError, match=r"cannot be read as a description of a map .*; bring the map again"):
            map_folder.open_map(tmp_path)
    (tmp_path / "map.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        map_folder.open_map(tmp_path)


def test_steps_of_other_profiles_are_refused(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    corrected(plates(2, seed=1), tmp_path, steps=["clip"])
    with pytest.raises(InputError, match=r"corrected by standardize -> clip, and .* holds clip;"):
        map_folder.pack(made / "run" / "index", tmp_path / "run" / "c.fitted", tmp_path / "map", licence="x")
    assert not (tmp_path / "map").exists()


def test_an_index_of_embeddings_is_refused(profiles: anndata.AnnData, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    building.build(profiles, tmp_path / "i")
    described = json.loads((tmp_path / "i" / "index.json").read_text())
    (tmp_path / "i" / "index.json").write_text(json.dumps({**described, "run": "runs/a"}))
    with pytest.raises(InputError, match="embeddings of the run"):
        map_folder.pack(tmp_path / "i", made / "run" / "c.fitted", tmp_path / "map", licence="x")


def test_a_map_names_no_folder_of_its_maker_and_holds_the_calibration_as_it_was_written(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "run", tmp_path / "run")
    of_run = tmp_path / "run" / "index"
    facts = folder.described(of_run) | {"image_root": str(tmp_path), folder.CELLS: str(tmp_path), folder.CELLS_IMAGES: str(tmp_path)}
    (of_run / folder.DESCRIBED).write_text(json.dumps(facts))
    fitted = tmp_path / "run" / "c.fitted"
    with pytest.raises(InputError, match=r"holds no results\.csv; give what impasto evaluate hits wrote"):
        map_folder.pack(of_run, fitted, tmp_path / "none", licence="x", hits=tmp_path / "nowhere")
    (tmp_path / "hits").mkdir()
    (tmp_path / "hits" / "results.csv").write_text("value,note\n0.1234567890123456789,NA\n")
    map_folder.pack(of_run, fitted, tmp_path / "map", licence="x", hits=tmp_path / "hits")
    assert (tmp_path / "map" / "calibration.csv").read_bytes() == (tmp_path / "hits" / "results.csv").read_bytes()
    assert str(tmp_path) not in (tmp_path / "map" / "index" / folder.DESCRIBED).read_text()
    assert map_folder.open_map(tmp_path / "map").index.rows.shape[0] > 0
