"""A task's options from the fields of a stage, and the tables that it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.correction.plated import plates

from impasto import profiles
from impasto.schema import InputError
from impasto.stages import evaluate
from impasto.stages.evaluate import EvaluateSettings


def settings(**values: object) -> EvaluateSettings:
    return EvaluateSettings.read({"task": "replicates", "profiles": ["p.parquet"], **values}, where="test")


def test_fields_and_options_are_one_and_wrong_ones_are_refused() -> None:
    chosen = evaluate.task_options(settings(level="batch", pool_doses=True, seed=3))
    assert (chosen["level"], chosen["pool_doses"], chosen["seed"]) == ("batch", True, 3)
    assert "columns" not in evaluate.task_options(settings(options={"columns": {"well": "Position"}}))
    with pytest.raises(InputError, match="columns: well is 3, but input should be a valid string"):
        settings(options={"columns": {"well": 3}})
    with pytest.raises(InputError, match="nonsense"):
        settings(options={"nonsense": 1})


def test_a_device_goes_to_tasks_that_rank_and_scores_are_float32() -> None:
    assert "device" not in evaluate.task_options(settings())
    assert evaluate.task_options(settings(device="cpu"))["device"] == "cpu"
    with pytest.raises(InputError, match="unknown device 'tpu'; allowed: auto, cpu, cuda"):
        settings(device="tpu")
    with pytest.raises(InputError, match="shortcuts compares nothing on a device"):
        settings(task="shortcuts", device="cpu")
    with pytest.raises(InputError, match=r"scores are of float32 products.*impasto embed --precision bf16"):
        settings(precision="bf16")


def test_results_and_details_are_written(tmp_path: Path) -> None:
    data = plates(plates=2, wells=20, controls=8)
    profiles.write(data, tmp_path / "p.parquet")
    evaluate.run(settings(profiles=[tmp_path / "p.parquet"], labels=["raw"]), tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "results.csv")
    assert set(rows["task"]) == {"replicates"}
    assert "raw" in set(rows["group"])
    value = rows.loc[(rows["group"] == "raw") & (rows["metric"] == "mAP"), "value"].iloc[0]
    groups = pd.read_parquet(tmp_path / "out" / "per_group.parquet")
    own = groups[groups["profiles"] == "raw"] if "profiles" in groups else groups
    assert np.isclose(own["mean_average_precision"].mean(), value)
