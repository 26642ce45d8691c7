"""A correct stage: its steps in order, what is written beside, and what it reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.correction.plated import plates

from impasto import profiles
from impasto.correction.steps import correct as correct_profiles
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
