"""The one loop. It names no method: it asks a feed for minibatches, a method for a step, and keeps what is needed to resume.

Killed at any moment and started again, a run ends in the same bytes: minibatches depend on the seed and the epoch only, and a
checkpoint holds weights, optimiser and random state. Under torchrun the same function trains on all ranks: each takes its
share of every minibatch, gradients are averaged, rank 0 writes.
"""

from __future__ import annotations

import gc
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from safetensors.torch import save as as_bytes
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from impasto import progress, runs
from impasto.nets.lora import merged
from impasto.schema import InputError
from impasto.training import checkpoint, gradient_cache
from impasto.training.method import Method, Minibatch
from impasto.training.optim import decay_schedule, optimiser, schedule
from impasto.training.settings import LoopSettings

Rows = npt.NDArray[np.intp]


class Feed(Protocol):
    """Where minibatches come from."""

    def epoch(self, number: int, /) -> Sequence[Rows]:
        """The rows of every minibatch of an epoch: a function of the seed and the number only.

        Parameters
        ----------
        number
            Of the epoch, from 0.

        Returns
        -------
        Sequence[Rows]
            Rows of each minibatch.

        """

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Minibatch:
        """The tensors of some rows; random views are a function of the seed, the epoch and the rows only.

        Parameters
        ----------
        rows
            Of one minibatch.
        epoch
            Its number, from 0.

        Returns
        -------
        Minibatch
            The minibatch.

        """


Validate = Callable[[Method], Mapping[str, float]]
"""Scores of a method on held-out rows; the entry `score` (higher is better) selects the weights that are kept."""


def fit(method: Method, feed: Feed, /, *, settings: LoopSettings, out: Path, validate: Validate | None = None) -> None:
    """Train a method; leave `model.safetensors` (the best weights by validation, else the last) and `log.jsonl`.

    Parameters
    ----------
    method
        Trained in place.
    feed
        Where minibatches come from.
    settings
        How long, with which optimiser.
    out
        The folder of the run; a checkpoint in it is continued.
    validate
        Scores the method on held-out rows; None: the last weights are kept.

    Raises
    ------
    InputError
        Where there is no minibatch, the method cannot be trained in chunks, or a loss is not finite.

    """
    out.mkdir(parents=True, exist_ok=True)
    device = torch.device(settings.device)
    method.to(device)
    torch.manual_seed(settings.seed or 0)
    optim = optimiser(method, settings.optim)
    per_epoch = len(feed.epoch(0))
    if not per_epoch:
        raise InputError("there is no minibatch to train on: fewer rows than one minibatch; lower the minibatch size or give more data")
    steps = min(settings.epochs * per_epoch, settings.max_steps or settings.epochs * per_epoch)
    rate, decay = schedule(settings.optim, steps=steps), decay_schedule(settings.optim, steps=steps)
    place: dict[str, Any] = {"epoch": 0, "step": 0, "best": None, "stale": 0, "stopped": False}
    if checkpoint.exists(out / "checkpoint"):
        place = checkpoint.load(out / "checkpoint", method=method, optimiser=optim)
    runs.note(out / "log.jsonl")
    (out / "log.jsonl").touch()
    _cut_log(out / "log.jsonl", epoch=place["epoch"])
    if settings.chunk is not None and not isinstance(method, gradient_cache.Contrasting):
        raise InputError("this method's loss is not a function of embeddings alone, so it cannot be trained in chunks; leave out chunk")
    model: nn.Module | None = None
    moving: list[bool] = []
    epochs = range(place["epoch"], settings.epochs)
    for epoch in progress.track(epochs, what="training", unit="epoch", total=settings.epochs, done=place["epoch"]):
        if place["stopped"] or place["step"] >= steps:
            break
        clock = time.perf_counter()
        method.train()
        method.before_epoch(epoch)
        if model is None or moving != [p.requires_grad for p in method.parameters()]:
            moving = [p.requires_grad for p in method.parameters()]
            # Another set of weights moves: DDP waits for the gradients of just those that moved when it was made.
            model = None
            gc.collect()
            model = method if settings.chunk is not None else _distributed(method, device)
        totals: dict[str, float] = {}
        rows_seen = 0
        for chunks in itertools.islice(_minibatches(feed, epoch, chunk=settings.chunk), steps - place["step"]):
            for group in optim.param_groups:
                group["lr"] = rate(place["step"])
                group["weight_decay"] = decay(place["step"]) if group["decayed"] else 0.0
            terms = _step(model, method, optim, [c.to(device) for c in chunks], clip=settings.optim.clip_norm, epoch=epoch)
            place["step"] += 1
            method.after_step(place["step"] / steps)
            size = sum(c.size for c in chunks)
            rows_seen += size
            for name, value in terms.items():
                totals[name] = totals.get(name, 0.0) + value * size
        line: dict[str, Any] = {"epoch": epoch, "step": place["step"], "lr": rate(place["step"] - 1)}
        line |= {name: total / rows_seen for name, total in totals.items()}
        line["rows_per_second"] = round(rows_seen / (time.perf_counter() - clock), 1)
        place["epoch"] = epoch + 1
        last = place["step"] >= steps or epoch + 1 == settings.epochs
        if validate is not None and ((epoch + 1) % settings.validate_every == 0 or last):
            line |= {f"validation_{k}": v for k, v in _validated(validate, method).items()}
            _keep_best(method, place, line["validation_score"], settings=settings, out=out)
        if _rank() == 0:
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            if (epoch + 1) % settings.checkpoint_every == 0 or last or place["stopped"]:
                checkpoint.save(out / "checkpoint", method=method, optimiser=optim, place=place)
    if validate is None and _rank() == 0:
        _save_model(method, out)


def _step(
    model: nn.Module, method: Method, optim: torch.optim.Optimizer, chunks: Sequence[Minibatch], *, clip: float | None, epoch: int
) -> dict[str, float]:
    """One optimiser step; returns the terms, their sum and the monitors as numbers."""
    optim.zero_grad(set_to_none=True)
    trained = [p for p in method.parameters() if p.requires_grad]
    if len(chunks) > 1 and isinstance(method, gradient_cache.Contrasting):
        step = gradient_cache.backward(method, chunks)
    else:
        step = model(*chunks)
        step.loss.backward()
    if model is method:
        gradient_cache.average(trained)
    for name, term in step.terms.items():
        if not torch.isfinite(term):
            raise InputError(
                f"the loss term {name!r} is {float(term.detach())} in epoch {epoch}; lower the learning rate, or clip or correct the input"
            )
    if clip is not None:
        nn.utils.clip_grad_norm_(trained, clip)
    optim.step()
    values: dict[str, Tensor] = {"loss": step.loss, **step.terms, **step.monitors}
    return {name: float(value.detach()) for name, value in values.items()}


def _minibatches(feed: Feed, epoch: int, *, chunk: int | None) -> Iterator[list[Minibatch]]:
    """The minibatches of an epoch, this rank's rows of each, whole or in chunks; the next one is made while the step runs."""
    from concurrent.futures import ThreadPoolExecutor

    shares = [rows[_rank() :: _world()] for rows in feed.epoch(epoch)]

    def made(rows: Rows) -> list[Minibatch]:
        parts = np.array_split(rows, max(1, -(-len(rows) // (chunk or max(1, len(rows))))))
        return [feed.minibatch(part, epoch=epoch) for part in parts]

    with ThreadPoolExecutor(max_workers=1) as ahead:
        pending = ahead.submit(made, shares[0])
        for following in [*shares[1:], None]:
            ready = pending.result()
            if following is not None:
                pending = ahead.submit(made, following)
            yield ready


def _validated(validate: Validate, method: Method) -> Mapping[str, float]:
    method.eval()
    # Validation must not move the random state, or a run with and without it would differ.
    state = torch.get_rng_state()
    with torch.no_grad():
        scores = validate(method)
    torch.set_rng_state(state)
    return scores


def _keep_best(method: Method, place: dict[str, Any], score: float, *, settings: LoopSettings, out: Path) -> None:
    if place["best"] is None or score > place["best"]:
        place["best"], place["stale"] = score, 0
        if _rank() == 0:
            _save_model(method, out)
        return
    place["stale"] += 1
    place["stopped"] = settings.patience is not None and place["stale"] >= settings.patience


def _save_model(method: Method, out: Path) -> None:
    with runs.atomic(out / "model.safetensors") as temporary:
        # As bytes: `save_file` writes under a name of its own, which a killed run would leave behind.
        temporary.write_bytes(as_bytes({k: v.detach().cpu().clone().contiguous() for k, v in merged(method.state_dict()).items()}))


def _cut_log(log: Path, *, epoch: int) -> None:
    """Drop lines of epochs after the checkpoint: they will be written again."""
    if not log.exists() or _rank() != 0:
        return
    earlier_lines = [
        line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n") and json.loads(line)["epoch"] < epoch
    ]
    with runs.atomic(log) as temporary:
        temporary.write_text("".join(earlier_lines))


def _distributed(method: Method, device: torch.device) -> nn.Module:
    if _world() == 1:
        return method
    return DistributedDataParallel(method, device_ids=[device.index] if device.type == "cuda" else None)


def _rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def _world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1
