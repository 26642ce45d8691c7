"""A large contrastive minibatch in chunks: the same gradient as in one piece, dropout included, and the same training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from impasto.joint.described import Features
from impasto.joint.feed import BagFeed
from impasto.joint.two_towers import TwoTowers, TwoTowersSettings
from impasto.schema import InputError
from impasto.training import gradient_cache
from impasto.training.loop import fit
from impasto.training.method import Method, Step
from impasto.training.settings import LoopSettings, OptimSettings


def feed(n: int = 24) -> BagFeed:
    rng = np.random.default_rng(0)
    values = torch.tensor(rng.normal(size=(2 * n, 3, 6)), dtype=torch.float32)
    described = Features(torch.tensor(rng.normal(size=(2 * n, 5)), dtype=torch.float32))
    return BagFeed(values, described, [np.arange(i, i + 2) for i in range(0, 2 * n, 2)], minibatch=n, bag=None, seed=0)


def method(**changes: object) -> TwoTowers:
    torch.manual_seed(0)
    settings = TwoTowersSettings(**{"width": 8, "heads": 2, "depth": 2, "out": 8, "dropout": 0.0, **changes})  # type: ignore[arg-type]
    return TwoTowers(settings, blocks=3, profile_width=6, perturbation_width=5).train()


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {k: p.grad.clone() for k, p in module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("loss", ["clip", "cwcl", "cloob", "sigclip", "soft_sigclip", "s2l"])
@pytest.mark.parametrize("chunk", [1, 5, 12])
def test_the_gradient_is_that_of_the_whole_minibatch(loss: str, chunk: int) -> None:
    whole, cached, source, rows = method(loss=loss), method(loss=loss), feed(), np.arange(24)
    expected = whole(source.minibatch(rows, epoch=0))
    expected.loss.backward()
    parts = [source.minibatch(rows[i : i + chunk], epoch=0) for i in range(0, 24, chunk)]
    found = gradient_cache.backward(cached, parts)
    assert float(found.loss.detach()) == pytest.approx(float(expected.loss.detach()), rel=1e-5)
    mine, theirs = gradients(cached), gradients(whole)
    assert mine.keys() == theirs.keys()
    for name in theirs:
        # Sums of float32 in another order: what cancels is as exact as the largest of its terms.
        torch.testing.assert_close(mine[name], theirs[name], rtol=1e-5, atol=1e-5 * max(1.0, float(theirs[name].abs().max())))


def test_dropout_falls_on_the_same_units_both_times() -> None:
    plain, cached, source = method(dropout=0.5), method(dropout=0.5), feed()
    parts = [source.minibatch(rows, epoch=0) for rows in np.array_split(np.arange(24), 4)]
    torch.manual_seed(7)
    plain.contrast(*(torch.cat(side) for side in zip(*(plain.towers(part) for part in parts), strict=True))).loss.backward()
    torch.manual_seed(7)
    gradient_cache.backward(cached, parts)
    for name, gradient in gradients(plain).items():
        torch.testing.assert_close(gradients(cached)[name], gradient, rtol=1e-5, atol=1e-5)


def test_training_in_chunks_is_training(tmp_path: Path) -> None:
    # A softmax does not see the bias of its scores: their gradient is rounding, which AdamW would blow up, so plain mean pooling.
    for name, chunk in (("whole", None), ("chunked", 7)):
        loop = LoopSettings(epochs=3, chunk=chunk, optim=OptimSettings(lr=1e-3, clip_norm=1.0))
        fit(method(pooling="mean"), feed(), settings=loop, out=tmp_path / name)
    whole, chunked = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "chunked"))
    for name in ("profile_tower.project_in.weight", "perturbation_tower.1.weight", "objective.log_scale"):
        torch.testing.assert_close(chunked[name], whole[name], rtol=1e-3, atol=2e-5)


class Plain(Method):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(3, 1)

    def forward(self, minibatch: object, /) -> Step:
        raise AssertionError

    def embed(self, minibatch: object, /) -> Tensor:
        raise AssertionError


def test_a_method_that_does_not_contrast_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be trained in chunks"):
        fit(Plain(), feed(), settings=LoopSettings(epochs=1, chunk=4), out=tmp_path)


def test_gradients_are_averaged_over_ranks_and_one_without_a_gradient_counts_as_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ranks, the other of which holds gradients of 3 and 5: its part is added as `all_reduce` would."""
    from impasto.training import gradient_cache

    with_gradient, without = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(2))
    with_gradient.grad = torch.tensor([1.0, 2.0])
    elsewhere = iter([torch.full((2,), 3.0), torch.full((2,), 5.0)])
    monkeypatch.setattr(gradient_cache.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(gradient_cache.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(gradient_cache.dist, "all_reduce", lambda tensor: tensor.add_(next(elsewhere)))
    gradient_cache.average([with_gradient, without])
    assert with_gradient.grad.tolist() == [2.0, 2.5]
    assert without.grad is not None
    assert without.grad.tolist() == [2.5, 2.5]
    monkeypatch.setattr(gradient_cache.dist, "get_world_size", lambda: 1)
    gradient_cache.average([with_gradient])
    assert with_gradient.grad.tolist() == [2.0, 2.5]
