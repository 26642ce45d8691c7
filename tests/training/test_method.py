"""What the loop trains: a step's loss is the sum of its terms, a minibatch moves as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.training.method import Minibatch, Step


@dataclass(frozen=True)
class Inner(Minibatch):
    mask: Tensor

    @property
    def size(self) -> int:
        return len(self.mask)


@dataclass(frozen=True)
class Outer(Minibatch):
    values: Tensor
    inner: Inner
    parts: tuple[Tensor, ...]
    names: tuple[str, ...] = ("a", "b")

    @property
    def size(self) -> int:
        return len(self.values)


def test_the_loss_of_a_step_is_the_sum_of_its_terms_and_has_their_gradients() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    step = Step(terms={"one": x.sum(), "two": 3 * x[1]}, embeddings={})
    assert step.loss.item() == 9.0
    step.loss.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 4.0]


def test_every_tensor_of_a_minibatch_moves_with_it() -> None:
    given = Outer(torch.ones(3, 2), Inner(torch.ones(3)), (torch.zeros(3), torch.zeros(3, 1)))
    moved = given.to(torch.device("meta"))
    assert {t.device.type for t in (moved.values, moved.inner.mask, *moved.parts)} == {"meta"}
    assert moved.names == ("a", "b")
    assert (moved.size, moved.inner.size) == (3, 3)
    assert given.values.device.type == "cpu"
