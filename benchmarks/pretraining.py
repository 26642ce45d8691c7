"""Steps of image pretraining: ViT-S/16 beside transformers' own, what dropped patches save, the share of the input pipeline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import ViTConfig, ViTModel

from benchmarks.timing import Row, best_of
from impasto.devices import Place
from impasto.nets.encoders import image
from impasto.nets.encoders.image import EncoderSettings
from impasto.nets.trunk import lower
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.pretrain import msn
from impasto.pretrain.images import Facts
from impasto.pretrain.msn import Msn, MsnSettings
from impasto.pretrain.view_feed import Views
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan
from impasto.training.optim import optimiser
from impasto.training.settings import OptimSettings

IMAGES = 4


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    ours = image.build(EncoderSettings(), channels=5, size=224)
    config = ViTConfig(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536, num_channels=5)
    theirs = ViTModel(config, add_pooling_layer=False)
    images = torch.randn(IMAGES, 5, 224, 224)
    mine, other = best_of(_step(lambda: ours(images))), best_of(_step(lambda: theirs(images).last_hidden_state))
    yield Row(f"ViT-S/16 forward and backward, {IMAGES} x 5 x 224", mine, other, "transformers' ViT")
    yield from step_parts()
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


def step_parts() -> Iterator[Row]:
    """What a step of MSN on ViT-S/16 is made of, in processor time, by turns: bf16 beside float32, the optimiser, the teacher."""
    torch.manual_seed(0)
    method = Msn(MsnSettings(), Facts(list("abcde"), [0.1] * 5, [0.2] * 5, ["p"])).train()
    rows = torch.arange(IMAGES)
    light = [torch.rand(IMAGES, 5, 224, 224), torch.rand(IMAGES, 5, 224, 224), torch.rand(IMAGES, 10, 5, 96, 96)]
    minibatch = Views(*light, torch.rand(IMAGES, 196), rows, rows, rows)

    def forward_and_backward(precision: Literal["float32", "bf16"]) -> Callable[[], None]:
        def step() -> None:
            lower(method, Place(precision=precision))
            method.zero_grad(set_to_none=True)
            method(minibatch).loss.backward()

        return step

    low, exact = _by_turns(forward_and_backward("bf16"), forward_and_backward("float32"), times=2)
    yield Row(f"MSN step in bf16, {IMAGES} pairs, processor time", low, exact, "float32", f"{low / exact:.2f} of float32", 1 / 0.55)
    trained = [p for p in method.parameters() if p.requires_grad]
    fused = optimiser(method, OptimSettings(lr=1e-5))
    plain = torch.optim.AdamW(trained, lr=1e-5, foreach=False, fused=False)
    ours, theirs = _by_turns(fused.step, plain.step, times=5)
    yield Row("AdamW of ViT-S/16 and its heads, processor time", ours, theirs, "torch's loop over weights", "fused")

    def one_by_one() -> None:
        with torch.no_grad():
            student = torch.nn.ModuleDict({"encoder": method.encoder, "head": method.head}).state_dict()
            for name, weight in method.teacher.net.state_dict().items():
                if weight.is_floating_point():
                    weight.mul_(0.996).add_(student[name], alpha=0.004)

    ours, theirs = _by_turns(lambda: method.after_step(0.5), one_by_one, times=5)
    yield Row("the teacher follows, processor time", ours, theirs, "weight by weight")


def _by_turns(first: Callable[[], object], second: Callable[[], object], *, times: int) -> tuple[float, float]:
    """The least processor time of two pieces of work, run by turns so that a busy machine disturbs them alike."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(times + 1):
        for work, seconds in zip((first, second), spent, strict=True):
            clock = time.process_time()
            work()
            if turn:
                seconds.append(time.process_time() - clock)
    return min(spent[0]), min(spent[1])


def _prepared(folder: Path, **changes: Any) -> Any:
    settings = MsnSettings.read({"minibatch": IMAGES, "norm": "layer", **changes}, where="benchmark")
    return msn.METHOD.prepare(settings, Sites.read(folder / "sites"), seed=0)


def _step(forward: Callable[[], torch.Tensor]) -> Callable[[], None]:
    def step() -> None:
        forward().sum().backward()

    return step
