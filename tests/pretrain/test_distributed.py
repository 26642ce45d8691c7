"""Two gloo processes under the one loop train MSN to what one process would: batch norm, sharpening and entropy see all rows."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

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


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_equal_one(ingested: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "impasto", "train", str(tmp_path / "r.toml"), "--sites", str(ingested), "--out"]
    subprocess.run([*command, str(tmp_path / "one")], check=True, capture_output=True)
    environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen([*command, str(tmp_path / "two")], env={**environment, "RANK": str(rank)}, stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    for rank in ranks:
        _, errors = rank.communicate(timeout=200)
        assert rank.returncode == 0, errors.decode()[-2000:]
    first, second = ([json.loads(line)["loss"] for line in (tmp_path / n / "log.jsonl").read_text().splitlines()] for n in ("one", "two"))
    assert len(first) == 2
    assert second == pytest.approx(first, abs=2e-5)
    one, two = (load_file(tmp_path / n / "model.safetensors") for n in ("one", "two"))
    for key in ("encoder.project.weight", "encoder.trunk.blocks.0.mixer.qkv.weight", "prototypes", "teacher.net.encoder.cls"):
        torch.testing.assert_close(two[key], one[key], rtol=1e-3, atol=3e-5)
