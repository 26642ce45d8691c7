"""A correct stage: its steps in order, what is written beside, and what it reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.correction.plated import plates

from impasto import profiles
from impasto.correction.steps import correct as correct_profiles
from impasto.schema import InputError
from impasto.stages import correct
from impasto.stages.correct import CorrectSettings


def settings(**values: object) -> CorrectSettings:
    return CorrectSettings.read({"profiles": "p.parquet", **values}, where="test")


def test_paths_beside_and_inputs() -> None:
    chosen = settings(steps=[{"method": "standardize"}, {"method": "cellpaintr", "run": "r"}], keep=True)
    assert correct.beside(chosen, Path("o/c.parquet")) == [Path("o/c.parquet.receipt.json"), Path("o/c.parquet.fitted")]
    assert correct.inputs(chosen) == [Path("p.parquet"), Path("r/model.safetensors")]
    assert correct.beside(settings(), Path("c.h5ad")) == [Path("c.h5ad.receipt.json")]
    assert correct.inputs(settings(fitted="f")) == [Path("p.parquet"), Path("f")]
    assert correct.inputs(settings(split={"file": "parts.csv"})) == [Path("p.parquet"), Path("parts.csv")]


def test_what_is_written_is_what_the_steps_give_and_kept_steps_apply_again(tmp_path: Path) -> None:
    data = plates(plates=2)
    profiles.write(data, tmp_path / "p.parquet")
    steps = [{"method": "standardize"}, {"method": "clip", "limit": 1.0}]
    correct.run(settings(profiles=tmp_path / "p.parquet", steps=steps, keep=True, spare=0.25, seed=2), tmp_path / "c.parquet")
    expected, _, receipt = correct_profiles(profiles.read(tmp_path / "p.parquet"), steps, spare=0.25, seed=2)
    written = profiles.read(tmp_path / "c.parquet")
    np.testing.assert_array_equal(written.X, expected.X)
    kept = json.loads((tmp_path / "c.parquet.receipt.json").read_text())
    assert kept["explained"] == json.loads(json.dumps(receipt["explained"]))
    correct.run(settings(profiles=tmp_path / "p.parquet", fitted=tmp_path / "c.parquet.fitted"), tmp_path / "again.parquet")
    np.testing.assert_allclose(profiles.read(tmp_path / "again.parquet").X, expected.X, atol=1e-6)


def test_a_folder_of_plates_is_corrected_plate_by_plate_and_grows(tmp_path: Path) -> None:
    data = plates(plates=4)
    old = data[data.obs["plate"].isin(["P0", "P1"]).to_numpy()].copy()
    for name, own in (("whole", data), ("old", old)):
        profiles.write(own, tmp_path / f"{name}.plates")
    steps = [{"method": "standardize"}, {"method": "sphering"}]
    out = tmp_path / "c.plates"
    correct.run(settings(profiles=tmp_path / "old.plates", steps=steps, keep=True, spare=0.25), out)
    expected, _, receipt = correct_profiles(profiles.read(tmp_path / "old.plates"), steps, spare=0.25)
    np.testing.assert_array_equal(profiles.read(out).X, expected.X)
    assert json.loads((tmp_path / "c.plates.receipt.json").read_text()) == json.loads(json.dumps(receipt))
    times = {path: path.stat().st_mtime_ns for path in (out / "members").rglob("*.parquet")}
    fitted = tmp_path / "c.plates.fitted"
    correct.run(settings(profiles=tmp_path / "whole.plates", fitted=fitted, spare=0.25, append=True), out)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    later, _, _ = correct_profiles(profiles.read(tmp_path / "whole.plates"), fitted=fitted, spare=0.25)
    np.testing.assert_array_equal(profiles.read(out).X, later.X)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_table_refuses_what_only_plates_have(tmp_path: Path) -> None:
    profiles.write(plates(plates=2), tmp_path / "p.parquet")
    for values in ({"shards": "local:2"}, {"append": True}, {"max_bad": 0.5}, {"retry_bad": True}, {"shards": "slurm"}):
        with pytest.raises(InputError, match=r"are for folders of plates|needs sbatch"):
            correct.run(settings(profiles=tmp_path / "p.parquet", steps=[{"method": "clip"}], **values), tmp_path / "c.parquet")
