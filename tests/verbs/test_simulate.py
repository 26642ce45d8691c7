"""A plan's file, and the sentence where it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.schema import InputError
from impasto.verbs import simulate


def test_a_plan_is_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("perturbations = 8\ndoses = [0.5, 1.0]\n")
    assert simulate.read_plan(path) == {"perturbations": 8, "doses": [0.5, 1.0]}
    assert simulate.read_plan(None) == {}
    path.write_text("perturbations = ")
    with pytest.raises(InputError, match=r"plan\.toml cannot be read"):
        simulate.read_plan(path)
    with pytest.raises(InputError, match="does not exist; a plan is a TOML file"):
        simulate.read_plan(tmp_path / "nothing.toml")
