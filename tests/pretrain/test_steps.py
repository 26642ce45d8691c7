"""A step of every image-only method reads nothing from the device."""

from __future__ import annotations

import pytest
import torch
from tests.pretrain import every_method
from tests.reads import Reads

from impasto.training import loop
from impasto.training.optim import optimiser
from impasto.training.settings import OptimSettings
from impasto.training.totals import Totals


@pytest.mark.parametrize(("name", "encoder"), every_method.ALL)
def test_a_step_waits_for_nothing(name: str, encoder: str) -> None:
    method = every_method.made(name, encoder).train()
    feed = every_method.Random(method, focal=name == "msn")
    minibatch = feed.minibatch(feed.epoch(0)[0], epoch=0)
    optim = optimiser(method, OptimSettings())
    totals = Totals()
    with Reads() as reads:
        for _ in range(2):
            step = loop._step(method, method, optim, [minibatch], clip=1.0)
            method.after_step(0.5)
            totals.add({**step.terms, "loss": step.loss}, rows=minibatch.size)
    assert reads.waited == []
    assert all(torch.isfinite(term) for term in step.terms.values())
    with Reads() as reads:
        totals.look(epoch=0)
        shown = {name: value() if callable(value) else value for name, value in step.monitors.items()}
    assert reads.waited  # the epoch's end may wait
    assert shown.keys() >= {"embedding_rank"}
    assert set(step.uniform) <= set(step.terms)
