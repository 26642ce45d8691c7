"""Extraction by name: which encoder a name means."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from tests.terminal import impasto

import impasto as im
from impasto import identity
from impasto.nets.encoders import vision
from impasto.profiling import extract
from impasto.profiling.classical import CpMeasure
from impasto.profiling.encoders import EachChannel
from impasto.profiling.extract import ProfileSettings, open_encoder
from impasto.profiling.intensity import Intensity
from impasto.profiling.settings import EncoderSettings
from impasto.scale import task
from impasto.schema import InputError


def encoder(name: str, tmp_path: Path) -> object:
    return open_encoder(ProfileSettings(images=tmp_path, encoder=name), Mock())


def test_names_mean_statistics_classical_features_and_packaged_nets(tmp_path: Path) -> None:
    assert isinstance(encoder("intensity", tmp_path), Intensity)
    assert isinstance(encoder("cp_measure_fast", tmp_path), CpMeasure)
    assert isinstance(encoder("random", tmp_path), EachChannel)


def test_a_slip_of_the_pen_is_not_looked_for_on_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision, "load", Mock(side_effect=AssertionError("looked for")))
    with pytest.raises(InputError, match=r"unknown encoder 'cp_measur' \(did you mean 'cp_measure'\?\); allowed: cp_measure, cp_"):
        encoder("cp_measur", tmp_path)


def test_sites_that_were_left_out_are_named_by_their_reason_ten_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(extract, "say", said.append)
    extract._say_left_out([])
    assert said == []
    cut_off = [{"site": f"P1 A{number:02d} s1", "reason": "the file is cut off"} for number in range(1, 13)]
    black = {"site": "P1 B01 s1", "reason": "no light"}
    extract._say_left_out([cut_off[0], black, *cut_off[1:]])
    assert said == [
        *(f"  left out: P1 A{number:02d} s1: the file is cut off" for number in range(1, 11)),
        "  left out: 2 more sites: the file is cut off",
        "  left out: P1 B01 s1: no light",
        "13 sites were left out; their names and reasons are in the profiles (uns['quarantine'])",
    ]
    said.clear()
    extract._say_left_out(cut_off[:10])
    assert len(said) == 11, "ten are named, and none is left to count"


def test_inputs_are_the_images_the_weights_of_a_run_and_the_quarantine(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.json").write_text("{}")
    plain = ProfileSettings(images=tmp_path, encoder="intensity")
    assert extract.inputs(plain) == [tmp_path]
    whole = plain.model_copy(update={"encoder": str(tmp_path / "run"), "quarantine": tmp_path / "quarantine.csv"})
    assert extract.inputs(whole) == [tmp_path, tmp_path / "run" / "model.safetensors", tmp_path / "quarantine.csv"]
    assert extract.fields_path(tmp_path / "p.parquet") == tmp_path / "p.parquet.illumination.parquet"


def test_finished_plates_wait_in_a_folder_that_is_named_by_all_that_changes_them(tmp_path: Path) -> None:
    (tmp_path / "sites.parquet").write_bytes(b"sites")
    settings, out = ProfileSettings(images=tmp_path / "sites.parquet", encoder="intensity"), tmp_path / "p.parquet"
    first = extract._shards(settings, out)
    assert first.parent == tmp_path
    assert first.name.startswith(".p.parquet.work-")
    for same in ({"shards": "ray"}, {"shards": "local:7"}, {"max_bad": 0.5}):
        assert extract._shards(settings.model_copy(update=same), out) == first
    for other in ({"encoder": "random"}, {"level": "well"}, {"illumination": "estimate"}, {"seed": 9}):
        assert extract._shards(settings.model_copy(update=other), out) != first
    (tmp_path / "sites.parquet").write_bytes(b"other sites")
    assert extract._shards(settings, out) != first


PLAN = "batches = 2\nplates = 2\nperturbations = 4\nmechanisms = 2\npixels = 48\ncells = 3\nsites = 2\ncorrupt = 1\n"


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("images")
    (home / "plan.toml").write_text(PLAN)
    for words in (
        ["simulate", "--out", home / "sim", "--plan", home / "plan.toml"],
        ["ingest", home / "sim" / "images", "--out", home / "in"],
    ):
        impasto(*words)
    return home / "in"


def bytes_of(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("level", ["site", "well"])
def test_a_folder_of_plates_holds_what_a_file_holds(level: str, ingested: Path, tmp_path: Path) -> None:
    settings = ProfileSettings(images=ingested, encoder="intensity", level=level)
    extract.profile(settings, tmp_path / "p.parquet")
    extract.profile(settings.model_copy(update={"shards": "local:2"}), tmp_path / "p.plates")
    one, other = im.read(tmp_path / "p.parquet"), im.open(tmp_path / "p.plates")
    assert len(other) == len(set(zip(one.obs["batch"], one.obs["plate"], strict=True)))
    whole = other.to_anndata()
    order = np.lexsort([one.obs[word].astype(str) for word in ("well", "plate", "batch")])
    theirs = np.lexsort([whole.obs[word].astype(str) for word in ("well", "plate", "batch")])
    np.testing.assert_allclose(whole.X[theirs], one.X[order], rtol=1e-6)
    assert list(whole.var_names) == list(one.var_names)
    assert identity.of(whole) == identity.of(one)
    assert len(whole.uns["quarantine"]) == len(one.uns["quarantine"]) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_workers_leave_the_bytes_of_one_process_and_go_on_where_one_was_stopped(ingested: Path, tmp_path: Path) -> None:
    settings = ProfileSettings(images=ingested, encoder="intensity")
    extract.profile(settings, tmp_path / "one.plates")
    shards = extract._shards(settings, tmp_path / "two.plates")
    index = extract.plates_of(ingested)
    plan = extract._plan(settings, index, shards)
    plan.save()
    task.run(plan, plan.phases[0].shards[1])
    extract.profile(settings.model_copy(update={"shards": "local:2"}), tmp_path / "two.plates")
    one, other = (bytes_of(tmp_path / name) for name in ("one.plates", "two.plates"))
    assert one == other


@pytest.mark.parametrize(
    ("field", "value"),
    [("layer", [3]), ("size", 112), ("input", "set"), ("order", ["DNA"]), ("normalise", "image"), ("call", "x"), ("code", "a/b@c")],
)
def test_how_a_run_reads_images_was_decided_when_it_was_trained(field: str, value: object, tmp_path: Path) -> None:
    chosen = EncoderSettings.model_construct(**{**EncoderSettings(encoder=str(tmp_path)).__dict__, field: value})
    with pytest.raises(InputError, match=f"is a run, and its {field} was decided when it was trained; leave {field} out"):
        extract._run(chosen, None)  # type: ignore[arg-type]


def test_a_run_is_read_by_torch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a run, which torch reads; leave out --runtime"):
        extract._run(EncoderSettings(encoder=str(tmp_path), runtime="openvino"), None)  # type: ignore[arg-type]
