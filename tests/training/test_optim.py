"""AdamW decays what it should; the rate warms up, falls and restarts."""

from __future__ import annotations

import pytest
from torch import nn

from impasto.training.optim import OptimSettings, optimiser, schedule


def test_decay_is_off_for_norms_biases_and_embeddings() -> None:
    module = nn.ModuleDict({"linear": nn.Linear(3, 2), "norm": nn.LayerNorm(2), "embedding": nn.Embedding(4, 2)})
    decayed, plain = optimiser(module, OptimSettings()).param_groups
    assert [id(p) for p in decayed["params"]] == [id(module["linear"].weight)]
    assert len(plain["params"]) == 4
    assert plain["weight_decay"] == 0.0


def test_the_schedule_warms_up_falls_and_restarts() -> None:
    rate = schedule(OptimSettings(lr=1.0, warmup=10, restarts=2, lr_floor=0.1), steps=110)
    assert rate(0) == pytest.approx(0.1)
    assert rate(9) == pytest.approx(1.0)
    assert rate(10) == pytest.approx(1.0)
    assert rate(35) == pytest.approx(0.55)  # the middle of the first cycle
    assert rate(60) == pytest.approx(1.0)  # the restart
    assert rate(110) == pytest.approx(0.1)
