"""A training step of the two towers, with the text frozen and cached, beside the same step with the text read anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.timing import Row, best_of
from impasto.joint.feed import BagFeed
from impasto.joint.perturbation import Features
from impasto.joint.two_towers import TwoTowers, TwoTowersSettings
from impasto.nets.encoders import text
from impasto.training.optim import OptimSettings, optimiser


def rows() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    values = torch.tensor(rng.normal(size=(1024, 5, 1280)), dtype=torch.float32)
    texts = [f"A cell painting image of U2OS cells treated with compound {i}, SMILES: {'C' * (i % 20 + 1)}O." for i in range(256)]
    encoder = text.load()
    features = encoder.encode(texts).repeat_interleave(4, dim=0)
    feed = BagFeed(values, Features(features), [np.arange(i, i + 4) for i in range(0, 1024, 4)], minibatch=64, bag=None, seed=0)
    method = TwoTowers(TwoTowersSettings(), blocks=5, profile_width=1280, perturbation_width=features.shape[1])
    optim = optimiser(method, OptimSettings())

    def step() -> None:
        loss = method(feed.minibatch(np.arange(64), epoch=0)).loss
        optim.zero_grad()
        loss.backward()
        optim.step()

    def step_with_text() -> None:
        encoder.encode(texts[:64])
        step()

    yield Row("training step, 64 bags of 4 x 5 x 1280", best_of(step), best_of(step_with_text), "the same, its 64 texts read anew")
