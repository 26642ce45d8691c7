"""Stages of CellPainTR on two processes with half a minibatch each: the steps of one process, the first epoch of intra included."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests import ranks

SCRIPT = """
import sys
from pathlib import Path
import torch, torch.distributed as dist
from impasto.correction.cellpaintr import prepare
from impasto.correction.cellpaintr.method import CellPaintrSettings
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate
from impasto.training.settings import LoopSettings, OptimSettings
from impasto.training.loop import fit

out, stage, epochs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if len(sys.argv) > 4:
    dist.init_process_group("gloo")
wells = simulate(Plan(sources=3, batches=1, plates=1, perturbations=12, mechanisms=4, controls=8), seed=0)[0]
chosen = CellPaintrSettings(stage=stage, tokens="group", width=16, depth=1, mlp_width=32, filter_order=8, minibatch=12, dropout=0.0)
prepared = prepare.prepare(chosen, wells, seed=0)
torch.save(prepared.method.state_dict(), out.with_suffix(f".{dist.get_rank() if dist.is_initialized() else 0}.pt"))
loop = LoopSettings(epochs=epochs, optim=OptimSettings(lr=1e-3, weight_decay=0.1, clip_norm=1.0))
fit(prepared.method, prepared.feed, settings=loop, out=out)
if dist.is_initialized():
    dist.destroy_process_group()
"""


def fitted(out: Path, stage: str, *, epochs: int, number: int) -> tuple[list[float], dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The losses of a run, its weights before and after."""
    command = [sys.executable, "-c", SCRIPT, str(out), stage, str(epochs), *(["ranks"] if number > 1 else [])]
    ranks.run(command, ranks=number)
    losses = [json.loads(line)["loss"] for line in (out / "log.jsonl").read_text().splitlines()]
    return losses, torch.load(out.with_suffix(".0.pt"), weights_only=True), load_file(out / "model.safetensors")


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
@pytest.mark.parametrize(("stage", "epochs"), [("cwmm", 1), ("intra", 2), ("inter", 1)])
def test_two_gloo_processes_equal_one(tmp_path: Path, stage: str, epochs: int) -> None:
    first, _, weights = fitted(tmp_path / "one", stage, epochs=epochs, number=1)
    second, before, others = fitted(tmp_path / "two", stage, epochs=epochs, number=2)
    assert len(first) == epochs
    # The log weighs the minibatches of an epoch by the rows of its own rank.
    assert second == pytest.approx(first, rel=5e-3)
    for name, weight in weights.items():
        # AdamW blows up what is rounding in a gradient that should be zero: a step of 1e-3 at the most, where others moved by far more.
        torch.testing.assert_close(others[name], weight, rtol=1e-3, atol=2e-4, msg=name)
    assert sum(not torch.equal(before[name], weight) for name, weight in others.items()) > 10


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_the_first_epoch_of_intra_moves_the_source_tokens_alone_on_two_processes(tmp_path: Path) -> None:
    _, before, after = fitted(tmp_path / "two", "intra", epochs=1, number=2)
    for name in before:
        assert torch.equal(before[name], after[name]) != name.startswith("sources."), name
