"""What the one loop can train: a Method takes a minibatch and returns a Step; the loop names no method.

A *minibatch* is a frozen dataclass of tensors made by the method's own data part (bags of profiles, image views, feature
tokens); the loop only asks it for `size` and moves it with `to`.
"""

from __future__ import annotations

import dataclasses
import itertools
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import anndata
import pandas as pd
import torch
from torch import Tensor, nn

from impasto import devices
from impasto.settings import Settings


@dataclasses.dataclass(frozen=True)
class Minibatch:
    """Base of all minibatches: tensors that move together. Subclasses add their fields.

    A field `unit` (rows,), where there is one, numbers what each row shows, as `Prepared.units` annotates it.
    """

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of rows."""

    @property
    def images(self) -> int:
        """How many images a net sees of it; 0 where it holds none."""
        return 0

    def to(self, device: torch.device) -> Any:
        """The same minibatch on another device. What it sends from pinned memory does not wait.

        Parameters
        ----------
        device
            Where every tensor goes.

        Returns
        -------
        Self
            A new minibatch.

        """
        return _each(self, lambda tensor: tensor.to(device, non_blocking=device.type == "cuda"), lambda inner: inner.to(device))

    def ready_for(self, device: torch.device) -> Self:
        """What the thread that made it still does, so that the copy to a GPU waits for nobody.

        Parameters
        ----------
        device
            Where it will go.

        Returns
        -------
        Self
            In pinned memory where the device is a GPU; itself otherwise.

        """
        if device.type != "cuda":
            return self
        made: Self = _each(self, lambda tensor: devices.pinned(tensor, device), lambda inner: inner.ready_for(device))
        return made


def _each(minibatch: Any, change: Callable[[Tensor], Tensor], inner: Callable[[Minibatch], Minibatch]) -> Any:
    """A minibatch with its tensors changed, those in tuples and in minibatches too; anything else is left as it is."""

    def changed(value: Any) -> Any:
        if isinstance(value, Minibatch):
            return inner(value)
        if isinstance(value, tuple):
            return tuple(changed(v) for v in value)
        return change(value) if isinstance(value, Tensor) else value

    return dataclasses.replace(minibatch, **{f.name: changed(getattr(minibatch, f.name)) for f in dataclasses.fields(minibatch)})


@dataclasses.dataclass(frozen=True)
class Step:
    """What one forward pass gives.

    Attributes
    ----------
    terms
        Weighted loss terms; the loop minimises their sum.
    embeddings
        One row each of the global minibatch (gathered from all ranks), the method's main one first.
    monitors
        What else to log of an epoch's last step: name -> a scalar, or a function that gives one. Only then is it called, so it may take
        time and read the device.
    uniform
        What a term is worth where every answer is uniform: name of the term -> nats. A run whose term stays near it has learned nothing.

    """

    terms: Mapping[str, Tensor]
    embeddings: Mapping[str, Tensor]
    monitors: Mapping[str, Tensor | Callable[[], Tensor]] = dataclasses.field(default_factory=dict)
    uniform: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def loss(self) -> Tensor:
        """The sum of the terms, a scalar."""
        return torch.stack(list(self.terms.values())).sum()


class Method(nn.Module):
    """A trainable method: parameters plus the two functions that the loop and `impasto embed` call."""

    equal_shares = False
    """Whether several processes must have equally many rows of each minibatch, since each averages over its own."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(itertools.chain(self.parameters(), self.buffers())).device

    @abstractmethod
    def forward(self, minibatch: Any, /) -> Step:
        """Loss terms and embeddings. Never changes the minibatch.

        Parameters
        ----------
        minibatch
            What the method's feed makes.

        Returns
        -------
        Step
            The step.

        """

    @abstractmethod
    def embed(self, minibatch: Any, /) -> Tensor:
        """The embeddings that users search and score, without augmentation or dropout.

        Parameters
        ----------
        minibatch
            What the method reads of new data.

        Returns
        -------
        Tensor
            (rows, width).

        """

    def before_epoch(self, number: int, /) -> None:
        """Called before each epoch. A weight that does not change in it is frozen here (`requires_grad`), and freed in a later one.

        Parameters
        ----------
        number
            Of the epoch, from 0.

        """

    def after_step(self, progress: float, /) -> None:
        """Called after each optimiser step: EMA teachers move here.

        Parameters
        ----------
        progress
            The share of the training that is done, 0 to 1.

        """


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A method ready for the loop, with its data.

    Attributes
    ----------
    method
        Untrained, or with the weights of an earlier run.
    feed
        Where minibatches come from; see `training.loop.Feed`.
    validate
        Scores the method on held-out rows; None without any.
    facts
        What the run must remember to embed new data (names of blocks, splits, digests): plain values for model.json.
    fresh
        Names of weights (`sources.*`) that may start untrained where the run starts from an earlier one.
    units
        What `unit` of a minibatch numbers (sites, perturbations), one row each; a graph prior and cell-line tokens need it.

    """

    method: Method
    feed: Any
    validate: Any
    facts: dict[str, Any]
    fresh: tuple[str, ...] = ()
    units: pd.DataFrame | None = None


@dataclasses.dataclass(frozen=True)
class Trainable:
    """A method as a recipe names it, before it has data.

    Attributes
    ----------
    settings
        What `[stage.method]` of a recipe is checked against.
    prepare
        `prepare(settings, data, seed=...)` -> Prepared.
    reads
        What `data` are: profiles, or the sites of images that `impasto ingest` wrote.
    prepare_from
        `prepare_from(settings, data, earlier, seed=...)`, of a method whose data depend on the run it starts from.
    build
        Of a method that reads sites: `build(settings, facts)`, untrained.
    embed
        `embed(run, profiles, place)`, of a method that does not embed profiles through a joint space.

    """

    settings: type[Settings]
    prepare: Callable[..., Prepared]
    reads: Literal["profiles", "sites"] = "profiles"
    prepare_from: Callable[..., Prepared] | None = None
    build: Callable[..., Any] | None = None
    embed: Callable[[Path, anndata.AnnData, devices.Place], anndata.AnnData] | None = None


@dataclasses.dataclass(frozen=True)
class Addition:
    """What a table inside `[stage.method]` adds to any method.

    Attributes
    ----------
    settings
        What the table may say.
    add
        `add(prepared, settings, seed=...)` -> Prepared.

    """

    settings: type[Settings]
    add: Callable[..., Prepared]
