"""Gathered rows: two processes with half a minibatch each take the same steps as one process with the whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests import ranks

SCRIPT = """
import sys
from pathlib import Path
import numpy as np, torch
from impasto.joint.feed import BagFeed
from impasto.joint.described import Features
from impasto.joint.two_towers import TwoTowers, TwoTowersSettings
from impasto.training.settings import LoopSettings, OptimSettings
from impasto.training.loop import fit

chunks = [int(word) for word in sys.argv[2:]]
rng = np.random.default_rng(0)
values = torch.tensor(rng.normal(size=(48, 3, 6)), dtype=torch.float32)
text = torch.tensor(rng.normal(size=(48, 5)), dtype=torch.float32)
members = [np.arange(i, i + 2) for i in range(0, 48, 2)]
for chunk in chunks or [0]:
    torch.manual_seed(0)
    method = TwoTowers(TwoTowersSettings(width=8, heads=2, depth=1, out=8, dropout=0.0), blocks=3, profile_width=6, perturbation_width=5)
    feed = BagFeed(values, Features(text), members, minibatch=12, bag=None, seed=0)
    # Plain descent would hide nothing: AdamW divides by the gradient's size, so clip and a small rate keep the two comparable.
    settings = LoopSettings(epochs=3, chunk=chunk or None, optim=OptimSettings(lr=1e-3, clip_norm=1.0))
    fit(method, feed, settings=settings, out=Path(sys.argv[1]) / str(chunk))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process and those of two, in the folders `one` and `two`, by their chunks."""
    base = tmp_path_factory.mktemp("ranks")
    (base / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(base / "script.py")]
    subprocess.run([*command, str(base / "one")], check=True, capture_output=True)
    ranks.run([*command, str(base / "two"), "0", "2"])
    return base


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
@pytest.mark.parametrize("chunk", [0, 2], ids=["whole", "in chunks"])
def test_two_gloo_processes_equal_one(trained: Path, chunk: int) -> None:
    one, two = trained / "one" / "0", trained / "two" / str(chunk)
    first, second = ([json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()] for folder in (one, two))
    assert len(first) == 3
    assert second == pytest.approx(first, abs=1e-5)
    # The weights agree too, but for biases that a softmax does not see: their gradient is rounding, which AdamW blows up.
    weights, others = (load_file(folder / "model.safetensors") for folder in (one, two))
    for name in (
        "profile_tower.project_in.weight",
        "profile_tower.project_out.weight",
        "perturbation_tower.1.weight",
        "objective.log_scale",
    ):
        torch.testing.assert_close(others[name], weights[name], rtol=1e-3, atol=2e-5)
