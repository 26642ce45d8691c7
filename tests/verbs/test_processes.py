"""Two processes, as torchrun starts them, from the command line: profiles of the same bytes, and one training with one record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests import ranks

from impasto.plates.ingest import find, write
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan

pytestmark = [
    pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed"),
    pytest.mark.timeout(900),
]
RECIPE = """
[[stage]]
verb = "train"
[stage.method]
name = "wsl"
minibatch = 6
pairs = { epoch = "sites" }
encoder = { patch = 8, width = 24, depth = 1, heads = 3 }
views = { size = 32 }
[stage.loop]
epochs = 1
optim = { lr = 1e-4 }
"""


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("processes")
    plan = Plan(batches=1, plates=3, perturbations=4, mechanisms=2, controls=2, pixels=32, cells=2, corrupt=1)
    simulated.write(plan, base / "sim", seed=0)
    write(find([base / "sim" / "images"], platemaps=[base / "sim" / "platemap.csv"]), base / "ingested")
    return base / "ingested"


def test_two_processes_profile_plates_to_the_bytes_of_one(ingested: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "impasto", "profile", str(ingested), "--encoder", "intensity", "--device", "cpu", "--out"]
    subprocess.run([*command, str(tmp_path / "one.parquet")], check=True, capture_output=True)
    ranks.run([*command, str(tmp_path / "two.parquet")], patience=400)
    assert (tmp_path / "two.parquet").read_bytes() == (tmp_path / "one.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        name for stem in ("one", "two") for name in (f"{stem}.parquet", f"{stem}.parquet.run.json")
    ]
    with pytest.raises(AssertionError, match="torchrun has started 2 processes, and --shards local:2 would start its own"):
        ranks.run([*command, str(tmp_path / "three.parquet"), "--shards", "local:2"], patience=400)


def test_two_processes_train_and_the_first_keeps_the_record(ingested: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "impasto", "train", str(tmp_path / "r.toml"), "--sites", str(ingested), "--out", str(tmp_path / "run")]
    ranks.run(command, patience=400)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["state"] == "finished"
    assert {"model.safetensors", "model.json", "log.jsonl", "card.md"} <= record["files"].keys()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0]
    assert json.loads((tmp_path / "run" / "model.json").read_text())["precision"] == "float32"
