"""The one loop. It names no method: it asks a feed for minibatches, a method for a step, and keeps what is needed to resume.

Killed at any moment and started again, a run ends in the same bytes: minibatches depend on the seed and the epoch only, and a
checkpoint holds weights, optimiser and random state. Under torchrun the same function trains on all ranks: each takes its
share of every minibatch, gradients are averaged, rank 0 writes. A step reads nothing from the device (training/totals.py).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as as_bytes
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from impasto import devices, progress, runs
from impasto.devices import Place
from impasto.nets.lora import merged
from impasto.nets.trunk import lower
from impasto.schema import InputError
from impasto.training import batch_norm, checkpoint, cost, gradient_cache, verdict
from impasto.training.feeding import Feed, Rows, Served, serve
from impasto.training.gather import sharing
from impasto.training.log import Log
from impasto.training.method import Method, Step
from impasto.training.optim import decay_schedule, optimiser, schedule
from impasto.training.settings import LoopSettings
from impasto.training.totals import Totals

__all__ = ["Feed", "Rows", "Validate", "fit"]

Validate = Callable[[Method], Mapping[str, float]]
"""Scores of a method on held-out rows; the entry `score` (higher is better) selects the weights that are kept."""


def fit(
    method: Method,
    feed: Feed,
    /,
    *,
    settings: LoopSettings,
    out: Path,
    validate: Validate | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Train a method; leave `model.safetensors` (the best weights by validation, else the last) and `log.jsonl`.

    Parameters
    ----------
    method
        Trained in place.
    feed
        Where minibatches come from.
    settings
        How long, with which optimiser, where.
    out
        The folder of the run; a checkpoint in it is continued.
    validate
        Scores the method on held-out rows; None: the last weights are kept.
    tell
        Is given one sentence an epoch.

    Raises
    ------
    InputError
        Where there is no minibatch, the training would end before its warm-up, the method cannot be trained in chunks or on so many ranks,
        there is no such device, or a loss is not finite.

    """
    out.mkdir(parents=True, exist_ok=True)
    if settings.chunk is not None and not isinstance(method, gradient_cache.Contrasting):
        raise InputError("this method's loss is not a function of embeddings alone, so it cannot be trained in chunks; leave out chunk")
    where = devices.place(settings, compiled=settings.compile)
    batch_norm.over_ranks(method)
    method.to(where.device)
    lower(method, where)
    torch.manual_seed(settings.seed or 0)
    _Fit(method, _finished_on(feed, where), settings, out, validate, where, tell).run()


def _finished_on(feed: Feed, where: Place) -> Feed:
    """A feed that can finish its minibatches on the device does so."""
    there: Feed = feed.on(where.device) if hasattr(feed, "on") else feed
    return there


class _Fit:
    """One training: where it stands, and an epoch of it."""

    def __init__(
        self,
        method: Method,
        feed: Feed,
        settings: LoopSettings,
        out: Path,
        validate: Validate | None,
        where: Place,
        tell: Callable[[str], None],
    ) -> None:
        self.method, self.feed, self.settings, self.out, self.validate, self.where = method, feed, settings, out, validate, where
        self.optim = optimiser(method, settings.optim)
        per_epoch = len(feed.epoch(0))
        if not per_epoch:
            raise InputError("there is no minibatch to train on: fewer rows than one minibatch; lower the minibatch size or give more data")
        self.steps = min(settings.epochs * per_epoch, settings.max_steps or settings.epochs * per_epoch)
        self.warmup = settings.optim.warmup_steps(self.steps) if self.steps else 0
        self.rate, self.decay = schedule(settings.optim, steps=self.steps), decay_schedule(settings.optim, steps=self.steps)
        self.state: dict[str, Any] = {"epoch": 0, "step": 0, "best": None, "stale": 0, "stopped": False}
        if checkpoint.exists(out / "checkpoint"):
            self.state = checkpoint.load(out / "checkpoint", method=method, optimiser=self.optim)
        self.log = Log(out, epoch=self.state["epoch"], watch=settings.watch, tell=tell)
        self.model: nn.Module | None = None
        self.moving: list[bool] = []
        self.operations: float | None = None

    def run(self) -> None:
        """All epochs that are left."""
        first, epochs = self.state["epoch"], self.settings.epochs
        for epoch in progress.track(range(first, epochs), what="training", unit="epoch", total=epochs, done=first):
            if self.state["stopped"] or self.state["step"] >= self.steps:
                break
            self._epoch(epoch)
        if self.validate is None and devices.is_first():
            _save_model(self.method, self.out)

    def _epoch(self, epoch: int) -> None:
        clock = time.perf_counter()
        self.method.train()
        self.method.before_epoch(epoch)
        self._wrap()
        totals, images, last = Totals(), 0, None
        left_out = max(0, len(self.feed.epoch(epoch)) - (self.steps - self.state["step"]))
        served = serve(
            self.feed,
            epoch,
            place=self.where,
            chunk=self.settings.chunk,
            equal=self.method.equal_shares,
            threads=self.settings.feeding_threads,
            skip=left_out,
        )
        for minibatch in served:
            last = self._step(minibatch)
            totals.add({**last.terms, "loss": last.loss}, rows=minibatch.rows)
            images += minibatch.images
            if self.state["step"] % self.settings.log_every == 0:
                totals.look(epoch=epoch)
        totals.look(epoch=epoch)
        self._close(epoch, totals, images, last, clock)

    def _wrap(self) -> None:
        """The method itself, or one that averages gradients over ranks."""
        moving = [p.requires_grad for p in self.method.parameters()]
        if self.model is not None and moving == self.moving:
            return
        # Another set of weights moves: DDP waits for the gradients of just those that moved when it was made.
        is_wrapped = self.model is not None and self.model is not self.method
        self.moving, self.model = moving, None
        if is_wrapped:
            gc.collect()  # its hooks on the weights go with it
        self.model = self.method if self.settings.chunk is not None else _distributed(self.method, self.where)

    def _step(self, minibatch: Served) -> Step:
        if self.operations is None and devices.peak(self.where) is not None:
            self.operations = cost.operations(self.method, minibatch.chunks[0]) * len(minibatch.chunks) / minibatch.rows
        for group in self.optim.param_groups:
            group["lr"] = self.rate(self.state["step"])
            group["weight_decay"] = self.decay(self.state["step"]) if group["decayed"] else 0.0
        assert self.model is not None
        with sharing(minibatch.shares):
            step = _step(self.model, self.method, self.optim, minibatch.chunks, clip=self.settings.optim.clip_norm)
        self.state["step"] += 1
        self.method.after_step(self.state["step"] / self.steps)
        return step

    def _close(self, epoch: int, totals: Totals, images: int, last: Step | None, clock: float) -> None:
        """Validate, write the epoch down, and keep what a killed run goes on from."""
        state, settings = self.state, self.settings
        line: dict[str, Any] = {"epoch": epoch, "step": state["step"], "lr": self.rate(state["step"] - 1)}
        means = totals.means()
        line |= {"loss": means["loss"], **means} if means else {}
        if last is not None:
            line |= {name: float((value() if callable(value) else value).detach()) for name, value in last.monitors.items()}
            line |= {f"{name}{verdict.OF_UNIFORM}": line[name] / worth for name, worth in last.uniform.items()}
        line |= self._pace(totals.rows, images * self.where.world, time.perf_counter() - clock)
        state["epoch"] = epoch + 1
        at_end = state["step"] >= self.steps or epoch + 1 == settings.epochs
        if self.validate is not None and ((epoch + 1) % settings.validate_every == 0 or at_end):
            line |= {f"validation_{k}": v for k, v in _validated(self.validate, self.method).items()}
            _keep_best(self.method, state, line["validation_score"], settings=settings, out=self.out)
        if at_end or state["stopped"]:
            reasons = verdict.reasons([*self.log.lines, line], warmup=self.warmup)
            line |= {verdict.KEY: reasons} if reasons else {}
        self.log.write(line, epochs=settings.epochs)
        if devices.is_first() and ((epoch + 1) % settings.checkpoint_every == 0 or at_end or state["stopped"]):
            checkpoint.save(self.out / "checkpoint", method=self.method, optimiser=self.optim, place=state)

    def _pace(self, rows: int, images: int, seconds: float) -> dict[str, float]:
        """Rows and images a second, the share of the device's peak, and the hours of all devices so far."""
        pace = {"rows_per_second": round(rows / seconds, 1)}
        if images:
            pace["images_per_second"] = round(images / seconds, 1)
            pace["images_seen"] = self.log.images_seen + images
        most = devices.peak(self.where)
        if most is not None and self.operations is not None:
            pace["share_of_peak"] = round(self.operations * rows / seconds / (most * self.where.world), 4)
        pace["device_hours"] = round(self.log.device_hours + seconds * self.where.world / 3600, 6)
        return pace


def _step(model: nn.Module, method: Method, optim: torch.optim.Optimizer, chunks: Sequence[Any], *, clip: float | None) -> Step:
    """One optimiser step. Nothing in it waits for the device."""
    optim.zero_grad(set_to_none=True)
    trained = [p for p in method.parameters() if p.requires_grad]
    if len(chunks) > 1 and isinstance(method, gradient_cache.Contrasting):
        step = gradient_cache.backward(method, chunks)
    else:
        step = model(*chunks)
        step.loss.backward()
    if model is method:
        gradient_cache.average(trained)
    if clip is not None:
        nn.utils.clip_grad_norm_(trained, clip)
    optim.step()
    return step


def _validated(validate: Validate, method: Method) -> Mapping[str, float]:
    method.eval()
    # Validation must not move the random state, or a run with and without it would differ.
    state = devices.random_state()
    with torch.no_grad():
        scores = validate(method)
    devices.set_random_state(state)
    return scores


def _keep_best(method: Method, place: dict[str, Any], score: float, *, settings: LoopSettings, out: Path) -> None:
    if place["best"] is None or score > place["best"]:
        place["best"], place["stale"] = score, 0
        if devices.is_first():
            _save_model(method, out)
        return
    place["stale"] += 1
    place["stopped"] = settings.patience is not None and place["stale"] >= settings.patience


def _save_model(method: Method, out: Path) -> None:
    with runs.atomic(out / "model.safetensors") as temporary:
        # As bytes: `save_file` writes under a name of its own, which a killed run would leave behind.
        temporary.write_bytes(as_bytes({k: v.detach().cpu().clone().contiguous() for k, v in merged(method.state_dict()).items()}))


def _distributed(method: Method, where: Place) -> nn.Module:
    if where.world == 1:
        return method
    return DistributedDataParallel(method, device_ids=None if where.index is None else [where.index])
