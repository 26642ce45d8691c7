"""What a row cost: minutes from its records, what its training says of itself, the size of its encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from impasto.stages import sweep_costs


def test_minutes_of_all_stages_name_them() -> None:
    one = sweep_costs.of_stages({"a": Path(), "b": Path()}, "x", whole=30.0)
    assert (one.task, one.protocol, one.group, one.metric, one.value) == ("sweep", "stages: a, b", "x", "minutes", 0.5)


def test_the_account_of_a_training_is_a_task_of_its_own(tmp_path: Path) -> None:
    facts = {"split": {"train": ["a", "b"]}, "parameters": 3_000_000}
    (tmp_path / "model.json").write_text(json.dumps({"method": {"name": "msn"}, "facts": facts}))
    (tmp_path / "log.jsonl").write_text(json.dumps({"epoch": 0, "step": 7, "images_seen": 21, "device_hours": 0.1}) + "\n")
    scores = sweep_costs.of_training(tmp_path, "x")
    assert {(one.task, one.group) for one in scores} == {("training", "x")}
    sizes = {"perturbations": 2, "parameters (millions)": 3}
    account = {one.metric: one.value for one in scores}
    assert account == pytest.approx({"steps": 7, "not trained": 0, "views": 21, "device hours": 0.1, "training minutes": 6, **sizes})
