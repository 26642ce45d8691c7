"""AdamW decays what it should; the rate warms up, falls and restarts."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from impasto.training.optim import decay_schedule, optimiser, schedule
from impasto.training.settings import OptimSettings


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


def test_what_a_module_names_is_not_decayed_and_what_is_frozen_not_trained() -> None:
    class Named(nn.Module):
        no_decay = ("cls",)

        def __init__(self) -> None:
            super().__init__()
            self.cls, self.weight = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(2, 2))
            self.frozen = nn.Parameter(torch.zeros(2, 2), requires_grad=False)

    module = Named()
    decayed, plain = optimiser(module, OptimSettings(weight_decay=0.3)).param_groups
    assert [id(p) for p in decayed["params"]] == [id(module.weight)]
    assert [id(p) for p in plain["params"]] == [id(module.cls)]
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.3, 0.0)


@given(st.integers(0, 20), st.integers(1, 4), st.integers(1, 200), st.floats(0, 1), st.floats(0, 0.5))
def test_the_rate_is_the_formula_at_every_step(warmup: int, restarts: int, span: int, start: float, floor: float) -> None:
    chosen = OptimSettings(lr=1.0, lr_start=start, lr_floor=floor, warmup=warmup, restarts=restarts)
    rate = schedule(chosen, steps=warmup + span)
    for step in range(warmup + span):
        if step < warmup:
            expected = start + (1 - start) * (step + 1) / warmup
        else:
            place = math.fmod((step - warmup) / span * restarts, 1.0)
            expected = floor + (1 - floor) * (1 + math.cos(math.pi * place)) / 2
        assert rate(step) == pytest.approx(expected)
    assert rate(warmup + span + 5) == pytest.approx(floor)


def test_decay_is_constant_or_goes_to_its_end_along_half_a_cosine() -> None:
    assert {decay_schedule(OptimSettings(weight_decay=0.04), steps=10)(step) for step in range(10)} == {0.04}
    decay = decay_schedule(OptimSettings(weight_decay=0.04, weight_decay_end=0.4), steps=100)
    assert [decay(step) for step in (0, 50, 100, 120)] == pytest.approx([0.04, 0.22, 0.4, 0.4])
    assert decay(25) == pytest.approx(0.4 - 0.36 * (1 + math.cos(math.pi / 4)) / 2)


def test_how_fast_gradients_are_forgotten_is_a_setting() -> None:
    net = nn.Linear(3, 3)
    assert {group["betas"] for group in optimiser(net, OptimSettings()).param_groups} == {(0.9, 0.999)}
    assert {group["betas"] for group in optimiser(net, OptimSettings(betas=[0.9, 0.95])).param_groups} == {(0.9, 0.95)}
