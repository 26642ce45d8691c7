"""The loop: it trains, it resumes to the same bytes after a kill, it stops when validation does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from impasto.schema import InputError
from impasto.training import checkpoint
from impasto.training.loop import Rows, fit
from impasto.training.method import Method, Minibatch, Step
from impasto.training.optim import optimiser, schedule
from impasto.training.settings import LoopSettings, OptimSettings


@dataclass(frozen=True)
class Pairs(Minibatch):
    x: Tensor
    y: Tensor

    @property
    def size(self) -> int:
        return len(self.x)


class Line(Method):
    def __init__(self, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 1))

    def forward(self, minibatch: Pairs, /) -> Step:
        error = self.net(minibatch.x)[:, 0] - minibatch.y
        return Step(terms={"square": (error**2).mean()}, embeddings={}, monitors={"bias": error.mean()})

    def embed(self, minibatch: Pairs, /) -> Tensor:
        return self.net(minibatch.x)


class Points:
    def __init__(self, *, stop_at: int | None = None) -> None:
        rng = np.random.default_rng(0)
        self.x = torch.tensor(rng.normal(size=(40, 3)), dtype=torch.float32)
        self.y = self.x @ torch.tensor([1.0, -2.0, 0.5])
        self.stop_at = stop_at

    def epoch(self, number: int, /) -> Sequence[Rows]:
        order = np.random.default_rng([7, number]).permutation(40)
        return [order[i : i + 8] for i in range(0, 40, 8)]

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Pairs:
        if epoch == self.stop_at:
            raise KeyboardInterrupt
        return Pairs(self.x[rows], self.y[rows])


def settings(**changes: object) -> LoopSettings:
    return LoopSettings(**{"epochs": 6, "optim": OptimSettings(lr=0.01, warmup=3), **changes})  # type: ignore[arg-type]


def line(seed: int = 0) -> Line:
    torch.manual_seed(seed)
    return Line()


def test_it_learns_and_logs(tmp_path: Path) -> None:
    fit(line(), Points(), settings=settings(epochs=30), out=tmp_path)
    log = [json.loads(row) for row in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert len(log) == 30
    assert log[-1]["loss"] < 0.5 * log[0]["loss"]
    assert {"epoch", "step", "lr", "square", "bias", "rows_per_second"} <= log[0].keys()
    assert (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("stop_at", [1, 4])
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, stop_at: int) -> None:
    fit(line(), Points(), settings=settings(), out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(line(), Points(stop_at=stop_at), settings=settings(), out=tmp_path / "killed")
    fit(line(seed=99), Points(), settings=settings(), out=tmp_path / "killed")
    assert (tmp_path / "killed/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()
    assert (tmp_path / "killed/checkpoint/state.safetensors").read_bytes() == (tmp_path / "whole/checkpoint/state.safetensors").read_bytes()

    def losses(folder: str) -> list[float]:
        return [json.loads(row)["loss"] for row in (tmp_path / folder / "log.jsonl").read_text().splitlines()]

    assert losses("killed") == losses("whole")


def test_the_best_weights_are_kept_and_patience_ends_the_run(tmp_path: Path) -> None:
    scores = iter([0.1, 0.5, 0.4, 0.3, 0.2, 0.1])
    kept: list[bytes] = []

    def validate(_: Method) -> dict[str, float]:
        if (tmp_path / "model.safetensors").exists():
            kept.append((tmp_path / "model.safetensors").read_bytes())
        return {"score": next(scores)}

    fit(line(), Points(), settings=settings(patience=2), out=tmp_path, validate=validate)
    log = (tmp_path / "log.jsonl").read_text().splitlines()
    assert len(log) == 4  # best in the second epoch, then two without a better one
    assert (tmp_path / "model.safetensors").read_bytes() == kept[2]


def test_a_loss_that_is_not_finite_is_a_sentence(tmp_path: Path) -> None:
    broken = Points()
    broken.y = broken.y * float("inf")
    with pytest.raises(InputError, match="loss term 'square' is inf in epoch 0"):
        fit(line(), broken, settings=settings(), out=tmp_path)


class Uneven(Points):
    """Minibatches of 3, 3 and 10 rows."""

    def epoch(self, number: int, /) -> Sequence[Rows]:
        return [np.arange(3), np.arange(3, 6), np.arange(6, 16)]


class Watched(Line):
    """Writes down what the loop tells it."""

    def __init__(self) -> None:
        super().__init__(dropout=0.0)
        self.progress: list[float] = []

    def after_step(self, progress: float, /) -> None:
        self.progress.append(progress)


def test_the_log_is_the_mean_over_rows_and_the_rate_that_of_the_last_step(tmp_path: Path) -> None:
    method, feed = Watched(), Uneven()
    optim = OptimSettings(lr=0.0, lr_start=0.0, lr_floor=0.0)  # the weights stand still, so the error of every row is known
    fit(method, feed, settings=LoopSettings(epochs=2, optim=optim), out=tmp_path)
    squares = [float((method.net(feed.x[i : i + 1])[0, 0].detach() - feed.y[i]) ** 2) for i in range(16)]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[0]["square"] == pytest.approx(sum(squares) / 16, rel=1e-5)
    assert lines[0]["square"] != pytest.approx(np.mean([np.mean(squares[:3]), np.mean(squares[3:6]), np.mean(squares[6:])]), rel=1e-3)
    assert lines[0]["loss"] == lines[0]["square"]
    assert method.progress == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0])


def test_the_rate_of_the_schedule_reaches_the_optimiser(tmp_path: Path) -> None:
    chosen = OptimSettings(lr=0.01, lr_floor=0.001, warmup=2)
    fit(Line(), Points(), settings=LoopSettings(epochs=2, optim=chosen), out=tmp_path)
    rate = schedule(chosen, steps=10)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["lr"] for line in lines] == pytest.approx([rate(4), rate(9)])
    saved = checkpoint.load(tmp_path / "checkpoint", method=Line(), optimiser=optimiser(made := Line(), chosen))
    assert (saved["epoch"], saved["step"], len(list(made.parameters()))) == (2, 10, 4)


def test_a_training_that_ends_before_its_warmup_is_refused(tmp_path: Path) -> None:
    # 16 steps of warm-up in a training of 10: the rate would never be what was asked for.
    with pytest.raises(InputError, match=r"the warm-up takes 16 steps and the whole training 10.*optim.warmup_share = 0.15"):
        fit(Line(), Points(), settings=LoopSettings(epochs=2, optim=OptimSettings(warmup=16)), out=tmp_path)


class Guessing(Line):
    """Its loss is that of uniform answers, whatever it does; its monitor is called once an epoch."""

    calls = 0

    def forward(self, minibatch: Pairs, /) -> Step:
        self.calls_in_forward = self.calls
        zero = 0.0 * self.net(minibatch.x).sum()

        def counted() -> Tensor:
            self.calls += 1
            return torch.tensor(3.0)

        return Step(terms={"choice": zero + 2.0}, embeddings={}, monitors={"rank": counted}, uniform={"choice": 2.08})


def test_a_run_that_learned_nothing_says_so_in_its_log_and_monitors_are_asked_once_an_epoch(tmp_path: Path) -> None:
    told: list[str] = []
    method = Guessing()
    fit(method, Points(), settings=LoopSettings(epochs=3), out=tmp_path, tell=told.append)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert method.calls == 3
    assert [line["rank"] for line in lines] == [3.0] * 3
    assert [line.get("not_trained") for line in lines] == [None, None, ["choice is 0.96 of what uniform answers are worth"]]
    assert told[-1] == "not trained: choice is 0.96 of what uniform answers are worth"
    assert told[0].startswith("epoch 1/3, step 5: loss 2.0000, ")


def test_a_loss_that_is_not_finite_is_seen_before_a_checkpoint(tmp_path: Path) -> None:
    class Late(Points):
        def minibatch(self, rows: Rows, /, *, epoch: int) -> Pairs:
            made = super().minibatch(rows, epoch=epoch)
            return made if epoch == 0 else Pairs(made.x, made.y * float("nan"))

    with pytest.raises(InputError, match="loss term 'square' is nan in epoch 1"):
        fit(Line(), Late(), settings=LoopSettings(epochs=3, log_every=1000), out=tmp_path)
    assert checkpoint.load(tmp_path / "checkpoint", method=(made := Line()), optimiser=optimiser(made, OptimSettings()))["epoch"] == 1


@pytest.mark.parametrize("clip_norm", [0.01, 1e6, None])
def test_gradients_are_clipped_to_their_norm_together(clip_norm: float | None, tmp_path: Path) -> None:
    torch.manual_seed(0)
    method, feed = Line(dropout=0.0), Points()
    rows = feed.epoch(0)[0]
    method(feed.minibatch(rows, epoch=0)).loss.backward()
    raw = torch.cat([p.grad.flatten() for p in method.parameters()])
    method.zero_grad()
    fit(method, feed, settings=LoopSettings(epochs=1, max_steps=1, optim=OptimSettings(lr=0.0, clip_norm=clip_norm)), out=tmp_path)
    clipped = torch.cat([p.grad.flatten() for p in method.parameters()])
    share = 1.0 if clip_norm is None else min(1.0, clip_norm / float(raw.norm()))
    torch.testing.assert_close(clipped, share * raw, rtol=1e-4, atol=1e-8)


def test_validation_is_asked_every_so_often_and_at_the_end_without_dropout_or_chance(tmp_path: Path) -> None:
    asked: list[bool] = []

    def validate(method: Method) -> dict[str, float]:
        asked.append(method.training)
        torch.rand(3)  # moves the random state, which must not reach the training
        return {"score": float(len(asked))}

    torch.manual_seed(1)
    one = Line(dropout=0.5)
    fit(one, Points(), settings=LoopSettings(epochs=5, validate_every=2), out=tmp_path / "with", validate=validate)
    assert asked == [False, False, False]  # after epochs 2, 4 and the last
    lines = [json.loads(line) for line in (tmp_path / "with" / "log.jsonl").read_text().splitlines()]
    assert [line.get("validation_score") for line in lines] == [None, 1.0, None, 2.0, 3.0]
    torch.manual_seed(1)
    fit(Line(dropout=0.5), Points(), settings=LoopSettings(epochs=5), out=tmp_path / "without")
    assert (tmp_path / "with/model.safetensors").read_bytes() == (tmp_path / "without/model.safetensors").read_bytes()


def test_epochs_behind_the_last_checkpoint_are_logged_once(tmp_path: Path) -> None:
    settings = LoopSettings(epochs=5, checkpoint_every=2)
    with pytest.raises(KeyboardInterrupt):
        fit(Line(), Points(stop_at=3), settings=settings, out=tmp_path)
    fit(Line(), Points(), settings=settings, out=tmp_path)
    assert [json.loads(line)["epoch"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [0, 1, 2, 3, 4]


def test_minibatches_in_one_piece_go_through_the_ranks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.training import loop

    calls: list[nn.Module] = []
    monkeypatch.setattr(loop, "_distributed", lambda method, device: calls.append(method) or method)
    line = Line()
    fit(line, Points(), settings=LoopSettings(epochs=2), out=tmp_path)
    assert calls == [line]


class TwoSides(Method):
    """A loss of all rows together: the squared difference of two means."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.calls: list[tuple[str, int]] = []

    def towers(self, minibatch: Pairs, /) -> tuple[Tensor, Tensor]:
        self.calls.append(("towers", minibatch.size))
        return (minibatch.x @ self.weight)[:, None], minibatch.y[:, None]

    def contrast(self, p: Tensor, q: Tensor, /) -> Step:
        return Step(terms={"means": (p.mean() - q.mean()) ** 2}, embeddings={})

    def forward(self, minibatch: Pairs, /) -> Step:
        self.calls.append(("forward", minibatch.size))
        return self.contrast(*self.towers(minibatch))

    def embed(self, minibatch: Pairs, /) -> Tensor:
        return self.towers(minibatch)[0]


@pytest.mark.parametrize("chunk", [None, 8, 20, 4, 3])
def test_a_minibatch_in_chunks_has_the_loss_of_all_its_rows_and_one_chunk_is_a_plain_step(chunk: int | None, tmp_path: Path) -> None:
    method, feed = TwoSides(), Points()
    rows = feed.epoch(0)[0]
    raw = 2 * float(feed.x[rows].sum(1).mean() - feed.y[rows].mean()) * feed.x[rows].mean(0)
    optim = OptimSettings(lr=0.0, clip_norm=None)
    fit(method, feed, settings=LoopSettings(epochs=1, max_steps=1, chunk=chunk, optim=optim), out=tmp_path)
    assert method.weight.grad is not None
    torch.testing.assert_close(method.weight.grad, raw, rtol=1e-4, atol=1e-6)
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert line["means"] == pytest.approx(float(feed.x[rows].sum(1).mean() - feed.y[rows].mean()) ** 2, rel=1e-4)
    sizes = {None: [], 8: [], 20: [], 4: [4, 4, 4, 4], 3: [3, 3, 2, 3, 3, 2]}[chunk]
    assert method.calls == ([("towers", size) for size in sizes] if sizes else [("forward", 8), ("towers", 8)])


def test_a_run_ends_after_so_many_steps_or_epochs_and_no_minibatch_is_a_sentence(tmp_path: Path) -> None:
    method = Watched()
    fit(method, Points(), settings=LoopSettings(epochs=3, max_steps=7), out=tmp_path / "steps")
    lines = [json.loads(line) for line in (tmp_path / "steps" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 7]
    assert method.progress == pytest.approx([step / 7 for step in range(1, 8)])
    fit(method, Points(), settings=LoopSettings(epochs=2, max_steps=70), out=tmp_path / "epochs")
    lines = [json.loads(line) for line in (tmp_path / "epochs" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10]
    empty = Points()
    empty.epoch = lambda number, /: []  # type: ignore[method-assign]
    with pytest.raises(InputError, match="there is no minibatch to train on"):
        fit(method, empty, settings=LoopSettings(epochs=1), out=tmp_path / "none")
    with pytest.raises(InputError, match="cannot be trained in chunks; leave out chunk"):
        fit(Line(), Points(), settings=LoopSettings(epochs=1, chunk=4), out=tmp_path / "chunks")
