"""A method around a method: it passes everything on, and its weights are the inner method's."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from impasto.schema import InputError
from impasto.training.method import Method, Minibatch, Prepared, Step
from impasto.training.wrapped import Wrapped, innermost, on_innermost, units_of


@dataclass(frozen=True)
class Points(Minibatch):
    values: Tensor

    @property
    def size(self) -> int:
        return len(self.values)


class Inner(Method):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.progress = nn.Linear(2, 2), -1.0

    def forward(self, minibatch: Points, /) -> Step:
        return Step({"own": self.layer(minibatch.values).sum()}, {"main": self.layer(minibatch.values)})

    def embed(self, minibatch: Points, /) -> Tensor:
        return self.layer(minibatch.values)

    def after_step(self, progress: float, /) -> None:
        self.progress = progress


class Added(Wrapped):
    def __init__(self, method: Method) -> None:
        super().__init__(method)
        self.register_buffer("own", torch.ones(3))


def test_what_it_does_and_what_it_saves_are_the_inner_methods() -> None:
    inner = Inner()
    outer = Added(Added(inner))
    points = Points(torch.randn(4, 2))
    assert torch.equal(outer(points).loss, inner(points).loss)
    assert torch.equal(outer.embed(points), inner.embed(points))
    outer.after_step(0.25)
    assert inner.progress == 0.25
    assert outer.state_dict().keys() == inner.state_dict().keys() == {"layer.weight", "layer.bias"}
    outer.load_state_dict({"layer.weight": torch.eye(2), "layer.bias": torch.zeros(2)})
    assert torch.equal(inner.layer.weight, torch.eye(2))
    assert len(list(outer.parameters())) == 2


def test_the_innermost_method_is_what_a_validation_sees() -> None:
    inner = Inner()
    assert innermost(inner) is inner
    assert innermost(Added(Added(inner))) is inner
    seen: list[Method] = []
    on_innermost(seen.append)(Added(inner))
    assert seen == [inner]
    assert on_innermost(None) is None


def test_a_method_that_does_not_say_what_its_rows_show_takes_no_addition() -> None:
    units = pd.DataFrame({"perturbation": ["a"]})
    assert units_of(Prepared(Inner(), None, None, {}, units=units), addition="prior") is units
    with pytest.raises(InputError, match=r"does not say what its rows show \(perturbation, cell line\), so it takes no prior"):
        units_of(Prepared(Inner(), None, None, {}), addition="prior")
