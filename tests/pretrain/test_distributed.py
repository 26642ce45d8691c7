"""Two gloo processes under the one loop train MSN to what one process would: batch norm, sharpening and entropy see all rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests import ranks

RECIPE = """
[[stage]]
verb = "train"
[stage.method]
name = "msn"
minibatch = 6
prototypes = 16
out = 8
hidden = 16
sinkhorn = 3
[stage.method.pairs]
lonely = "same-well"
epoch = "sites"
controls = false
[stage.method.encoder]
patch = 8
width = 24
depth = 1
heads = 3
[stage.method.views]
size = 32
focal = 1
focal_size = 16
[stage.loop]
epochs = 2
[stage.loop.optim]
lr = 1e-4
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_equal_one(ingested: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "impasto", "train", str(tmp_path / "r.toml"), "--sites", str(ingested), "--out"]
    subprocess.run([*command, str(tmp_path / "one")], check=True, capture_output=True)
    ranks.run([*command, str(tmp_path / "two")])
    first, second = ([json.loads(line)["loss"] for line in (tmp_path / n / "log.jsonl").read_text().splitlines()] for n in ("one", "two"))
    assert len(first) == 2
    assert second == pytest.approx(first, abs=2e-5)
    one, two = (load_file(tmp_path / n / "model.safetensors") for n in ("one", "two"))
    for key in ("encoder.project.weight", "encoder.trunk.blocks.0.mixer.qkv.weight", "prototypes", "teacher.net.encoder.cls"):
        torch.testing.assert_close(two[key], one[key], rtol=1e-3, atol=3e-5)
