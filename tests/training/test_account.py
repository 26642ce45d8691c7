"""The account of a training, from the log and the description that it left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from impasto.schema import InputError
from impasto.training import account, verdict


def run(folder: Path, lines: list[dict[str, object]], facts: dict[str, object]) -> Path:
    (folder / "model.json").write_text(json.dumps({"method": {"name": "msn"}, "facts": facts}))
    if lines:
        (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_the_last_line_counts_and_shares_are_the_largest(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        {"epoch": 0, "step": 5, "images_seen": 60, "device_hours": 0.5, "match_of_uniform": 1.0},
        {"epoch": 1, "step": 10, "images_seen": 120, "device_hours": 1.5, "match_of_uniform": 0.5, "classes_of_uniform": 0.96},
    ]
    lines[-1][verdict.KEY] = ["classes is 0.96 of what uniform answers are worth"]
    facts = {"sites": 12, "split": {"train": ["a", "b"]}, "parameters": 2_000_000, "trained_parameters": 500_000}
    found = account.of_run(run(tmp_path, lines, facts))
    assert found == {
        "steps": 10.0,
        "not trained": 1.0,
        "views": 120.0,
        "device hours": 1.5,
        "training minutes": 90.0,
        "share of uniform": 0.96,
        "images": 12.0,
        "perturbations": 2.0,
        "parameters (millions)": 2.0,
        "trained parameters (millions)": 0.5,
    }


def test_an_untrained_encoder_took_nothing_and_what_is_not_recorded_is_left_out(tmp_path: Path) -> None:
    found = account.of_run(run(tmp_path, [], {}))
    assert found == {"steps": 0.0, "not trained": 0.0, "views": 0.0, "device hours": 0.0, "training minutes": 0.0}
    (tmp_path / "older").mkdir()
    older = account.of_run(run(tmp_path / "older", [{"epoch": 0, "step": 3, "loss": 1.0}], {}))
    assert older == {"steps": 3.0, "not trained": 0.0}


def test_a_run_that_does_not_count_its_parameters_has_those_of_its_weights(tmp_path: Path) -> None:
    save_file({"a": np.zeros((3, 4)), "b": np.zeros(5), "c": np.zeros(())}, tmp_path / "model.safetensors")
    assert account.of_run(run(tmp_path, [], {}))["parameters (millions)"] == pytest.approx(18e-6)
    assert account.of_run(run(tmp_path, [], {"parameters": 2_000_000}))["parameters (millions)"] == 2.0


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a trained run"):
        account.of_run(tmp_path)
