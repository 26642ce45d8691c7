"""Steps of image pretraining: ViT-S/16 beside transformers' own, what dropped patches save, the share of the input pipeline."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import ViTConfig, ViTModel

from benchmarks.timing import Row, best_of
from impasto.nets.encoders import image
from impasto.nets.encoders.image import EncoderSettings
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.pretrain import msn
from impasto.pretrain.msn import MsnSettings
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan

IMAGES = 4


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    ours = image.build(EncoderSettings(), channels=5, size=224)
    config = ViTConfig(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536, num_channels=5)
    theirs = ViTModel(config, add_pooling_layer=False)
    images = torch.randn(IMAGES, 5, 224, 224)
    mine, other = best_of(_step(lambda: ours(images))), best_of(_step(lambda: theirs(images).last_hidden_state))
    yield Row(f"ViT-S/16 forward and backward, {IMAGES} x 5 x 224", mine, other, "transformers' ViT")
    with tempfile.TemporaryDirectory() as folder:
        yield from _msn(Path(folder))


def _msn(folder: Path) -> Iterator[Row]:
    simulated.write(Plan(batches=1, perturbations=IMAGES, mechanisms=1, controls=0, pixels=256, cells=8), folder / "sim", seed=0)
    write(find([folder / "sim" / "images"], platemaps=[folder / "sim" / "platemap.csv"]), folder / "sites")
    full = _prepared(folder)
    rows = full.feed.epoch(0)[0]
    whole = best_of(_step(lambda: full.method(full.feed.minibatch(rows, epoch=0)).loss), times=2)
    feed = best_of(lambda: full.feed.minibatch(rows, epoch=0))
    yield Row(f"MSN step, {IMAGES} pairs, 10 focal crops", whole, None, "", f"{IMAGES * 12} views")
    yield Row("its input: sites in memory to views", feed, None, "", f"{feed / whole:.1%} of the step, and made while the step before runs")
    for drop in (0.0, 0.7):
        some = _prepared(folder, drop=drop, views={"focal": 0})
        cost = best_of(_step(lambda some=some: some.method(some.feed.minibatch(rows, epoch=0)).loss), times=2)  # type: ignore[misc]
        yield Row(f"MSN step, no focal crops, {drop:.0%} of the patches dropped", cost, None, "", f"{cost / whole:.2f} of the full step")


def _prepared(folder: Path, **changes: Any) -> Any:
    settings = MsnSettings.read({"minibatch": IMAGES, "norm": "layer", **changes}, where="benchmark")
    return msn.prepare(settings, Sites.read(folder / "sites"), seed=0)


def _step(forward: Callable[[], torch.Tensor]) -> Callable[[], None]:
    def step() -> None:
        forward().sum().backward()

    return step
