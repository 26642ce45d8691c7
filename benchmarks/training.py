"""A training step of the two towers, beside the same step as a plain implementation takes it: texts padded to 512 tokens, read anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.timing import Row, best_of
from impasto.joint import perturbation
from impasto.joint.described import Features
from impasto.joint.feed import BagFeed, Bags
from impasto.joint.two_towers import TwoTowers, TwoTowersSettings
from impasto.training import gradient_cache
from impasto.training.optim import optimiser
from impasto.training.settings import OptimSettings

BAGS = 32
PADDED = 512


def rows() -> Iterator[Row]:
    values = torch.tensor(np.random.default_rng(0).normal(size=(4 * BAGS, 5, 1280)), dtype=torch.float32)
    smiles = ["CC(=O)Nc1ccc(cc1)" + "C" * (i % 20 + 1) + "O" for i in range(BAGS)]
    texts = [f"A cell painting image of U2OS cells treated with compound {i}, SMILES: {s}." for i, s in enumerate(smiles)]
    frozen = _step(values, texts, TwoTowersSettings(minibatch=BAGS))
    read_anew = _step(values, texts, TwoTowersSettings(minibatch=BAGS), padded=True)
    what = f"{BAGS} bags of 4 x 5 x 1280"
    theirs = best_of(read_anew, times=2)
    yield Row(f"training step, frozen text kept, {what}", best_of(frozen), theirs, "the texts read anew, padded to 512 tokens")
    whole = TwoTowersSettings(minibatch=BAGS, text_training="whole")
    trimmed, tokens = best_of(_step(values, texts, whole), times=2), _tokens(texts)
    theirs = best_of(_step(values, texts, whole, padded=True), times=2)
    note = f"{tokens / trimmed:,.0f} tokens/s against {tokens / theirs:,.0f}"
    yield Row(f"training step, text trained whole, {what}", trimmed, theirs, "padded to 512 tokens", note)
    yield _cached_gradient()


def _tokens(texts: list[str]) -> int:
    from impasto.nets.encoders import text

    return int(text.load().tokens(texts)["attention_mask"].sum())


def _step(values: Tensor, texts: list[str], settings: TwoTowersSettings, *, padded: bool = False):
    """One optimiser step. `padded` reads every text again, at 512 tokens each; frozen text then passes its encoder in the step."""
    from impasto.nets.encoders import text

    encoder = text.load()
    tokens = encoder.tokenizer(texts, padding="max_length", max_length=PADDED, return_tensors="pt")
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    described = perturbation.of_texts([t for t in texts for _ in range(4)], settings)
    feed = BagFeed(values, described, [np.arange(i, i + 4) for i in range(0, 4 * BAGS, 4)], minibatch=BAGS, bag=None, seed=0)
    torch.manual_seed(0)
    method = TwoTowers(settings, blocks=5, profile_width=1280, perturbation_width=described.width)
    optim = optimiser(method, OptimSettings())

    def minibatch() -> Bags:
        found = feed.minibatch(np.arange(BAGS), epoch=0)
        if not padded:
            return found
        if settings.text_training == "frozen":
            with torch.no_grad():
                return dataclasses.replace(found, perturbation=(encoder(ids, mask),))
        return dataclasses.replace(found, perturbation=(ids, mask))

    def step() -> None:
        optim.zero_grad()
        method(minibatch()).loss.backward()
        optim.step()

    return step


def _cached_gradient() -> Row:
    """What bounded memory costs: each chunk passes the net twice."""
    settings = TwoTowersSettings(minibatch=512, width=256, depth=4, dropout=0.0)
    values = torch.randn(1024, 5, 384)
    feed = BagFeed(values, Features(torch.randn(1024, 384)), list(np.arange(1024).reshape(512, 2)), minibatch=512, bag=None, seed=0)
    method = TwoTowers(settings, blocks=5, profile_width=384, perturbation_width=384)
    parts = [feed.minibatch(rows, epoch=0) for rows in np.array_split(np.arange(512), 16)]
    whole = feed.minibatch(np.arange(512), epoch=0)
    ours = best_of(lambda: gradient_cache.backward(method, parts))
    theirs = best_of(lambda: method(whole).loss.backward())
    return Row("gradient of 512 bags in chunks of 32", ours, theirs, "in one piece", "memory of activations: one chunk's")
