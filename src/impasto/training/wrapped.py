"""A method around a method: it sees which rows a minibatch is made of, and may change the step; its weights are the inner method's.

    Addition(inner)(minibatch of rows) = Step(inner's terms and its own, inner's embeddings)

A run with an addition is saved under the same names as one without, so either may start from the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.training.method import Method, Minibatch, Step

Rows = npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True)
class Numbered(Minibatch):
    """A minibatch together with the numbers of its rows, as the feed's `epoch` gave them."""

    inner: Minibatch
    rows: Tensor

    @property
    def size(self) -> int:
        return self.inner.size

    def to(self, device: torch.device) -> Numbered:
        """The same on `device`."""
        return Numbered(self.inner.to(device), self.rows.to(device))


class NumberedFeed:
    """A feed whose minibatches know their rows."""

    def __init__(self, feed: Any) -> None:
        self.feed = feed

    def epoch(self, number: int, /) -> Sequence[Rows]:
        found: Sequence[Rows] = self.feed.epoch(number)
        return found

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Numbered:
        return Numbered(self.feed.minibatch(rows, epoch=epoch), torch.as_tensor(np.asarray(rows, dtype=np.int64)))


class Wrapped(Method):
    """The base of all additions to a method. Everything but `forward` is the inner method's, its weights' names included."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, minibatch: Numbered, /) -> Step:
        """The inner method's step: a wrapped method keeps the row numbers, any other gets its own minibatch."""
        step: Step = self.method(minibatch if isinstance(self.method, Wrapped) else minibatch.inner)
        return step

    def embed(self, minibatch: Any, /) -> Tensor:
        return self.method.embed(minibatch)

    def after_step(self, progress: float, /) -> None:
        self.method.after_step(progress)

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:  # type: ignore[override]
        """The inner method's."""
        found: dict[str, Any] = self.method.state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Into the inner method."""
        return self.method.load_state_dict(state_dict, strict=strict, assign=assign)


def on_innermost(validate: Any, /) -> Any:
    """A validation that is given the method itself, all additions taken off."""
    return None if validate is None else lambda method: validate(innermost(method))


def innermost(method: Method, /) -> Method:
    """The method itself, all additions taken off."""
    while isinstance(method, Wrapped):
        method = method.method
    return method
