"""WSL on profiles: name the perturbation of a well from its features, one token a channel.

    L = CE(W f(x) + b, perturbation),    f = CrossChannelFormer of the features of each channel

The weakly supervised learning of images (pretrain/wsl.py) where there are tables and no images: the same loss, the same place for cell-line
tokens and a graph prior, a thousandth of the cost. `classes` names the columns whose values are the classes, the perturbation by default.
Wells of negative controls are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from impasto import profiles as tables
from impasto import schema, wells
from impasto.nets.encoders.cross_channel_former import CrossChannelFormer
from impasto.pretrain import collapse
from impasto.sampling import bags, minibatches
from impasto.sampling.rows import lines_of, rows_of
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training.gather import gather
from impasto.training.method import Method, Minibatch, Prepared, Step, Trainable

Rows = npt.NDArray[np.intp]


class ProfileWslSettings(Settings):
    """What the classes are, which rows are trained on, and how large the net is."""

    name: Literal["profile_wsl"] = "profile_wsl"
    classes: list[str] = Field(default_factory=lambda: [schema.PERTURBATION])
    only: dict[str, list[str]] = Field(default_factory=dict)
    """The wells to train on: column -> the values that are in; all by default."""
    blocks: str = "channel"
    width: int = 64
    depth: int = 2
    heads: int = 4
    out: int = 64
    dropout: float = 0.1
    smoothing: float = 0.0
    clip_values: float = 10.0
    minibatch: int = 64


@dataclass(frozen=True)
class Wells(Minibatch):
    """Profiles of N wells and their classes.

    Attributes
    ----------
    profiles
        (N, C, d).
    group
        (N,), the number of each class.
    unit
        (N,), the row of each well.

    """

    profiles: Tensor
    group: Tensor
    unit: Tensor

    @property
    def size(self) -> int:
        return len(self.profiles)


class ProfileWsl(Method):
    """Encoder and linear classifier.

    Parameters
    ----------
    settings
        Sizes.
    channels
        How many channels (or other blocks) a profile has.
    profile_width
        d, of a block.
    classes
        How many.

    """

    mean: Tensor
    spread: Tensor

    def __init__(self, settings: ProfileWslSettings, /, *, channels: int, profile_width: int, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(channels, profile_width))
        self.register_buffer("spread", torch.ones(channels, profile_width))
        self.encoder = CrossChannelFormer(
            channels=channels,
            profile_width=profile_width,
            width=settings.width,
            out=settings.out,
            depth=settings.depth,
            heads=settings.heads,
            dropout=settings.dropout,
        )
        self.classifier = nn.Linear(settings.out, classes)

    def embed(self, minibatch: Wells, /) -> Tensor:
        limit = self.settings.clip_values
        return self.encoder((minibatch.profiles.clamp(-limit, limit) - self.mean) / self.spread)

    def scores(self, minibatch: Wells, /) -> Tensor:
        """The scores of the classes.

        Parameters
        ----------
        minibatch
            N wells.

        Returns
        -------
        Tensor
            (N, classes).

        """
        return self.classifier(self.embed(minibatch))

    def forward(self, minibatch: Wells, /) -> Step:
        seen, group = gather(self.embed(minibatch)), gather(minibatch.group)
        scores = self.classifier(seen)
        return Step(
            terms={"cross_entropy": functional.cross_entropy(scores, group, label_smoothing=self.settings.smoothing)},
            embeddings={"profile": seen},
            monitors={
                "accuracy": (scores.detach().argmax(dim=1) == group).float().mean(),
                "embedding_rank": lambda: collapse.effective_rank(seen.detach()),
            },
            uniform={"cross_entropy": math.log(scores.shape[1])},
        )


class WellFeed:
    """Wells in a seeded order.

    Parameters
    ----------
    values
        Blocks of all rows (rows, C, d).
    classes
        The class of each row.
    among
        The rows that are trained on.
    minibatch
        Wells in a minibatch.
    seed
        Of the order.

    """

    def __init__(self, values: Tensor, classes: Sequence[int], /, *, among: Rows, minibatch: int, seed: int) -> None:
        self.values, self.classes, self.among = values, torch.as_tensor(classes), among
        self.size, self.seed = minibatch, seed
        minibatches.say_if_smaller(self.epoch(0), minibatch, what="wells")

    def epoch(self, number: int, /) -> Sequence[Rows]:
        order = np.random.default_rng([self.seed, number]).permutation(self.among)
        return minibatches.cut(order, self.size)

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Wells:  # noqa: ARG002 - nothing about a well is random
        chosen = torch.as_tensor(np.asarray(rows, dtype=np.int64))
        return Wells(self.values[chosen], self.classes[chosen], chosen)


def class_names(obs: pd.DataFrame, columns: Sequence[str], /) -> npt.NDArray[np.object_]:
    """The class of each row, as `sampling.bags` names groups.

    Parameters
    ----------
    obs
        Annotation of n rows.
    columns
        Whose values are the classes.

    Returns
    -------
    npt.NDArray[np.object_]
        (n,); `""` for wells that are not treated.

    """
    names = np.full(len(obs), "", dtype=object)
    for name, rows in bags.groups(obs, by=columns).items():
        names[rows] = name
    names[~wells.treated(obs)] = ""
    return names


def prepare(settings: ProfileWslSettings, profiles: anndata.AnnData, /, *, seed: int) -> Prepared:
    """The method with its wells.

    Parameters
    ----------
    settings
        Classes, rows and sizes.
    profiles
        Profiles of wells, with a perturbation column.
    seed
        Of the weights and the minibatches.

    Returns
    -------
    Prepared
        The method, its feed and its facts.

    Raises
    ------
    InputError
        Where values are missing or fewer than two classes are left.

    """
    names = class_names(profiles.obs, settings.classes)
    among = np.array([row for row in rows_of(profiles.obs, settings.only) if names[row]], dtype=np.intp)
    return assemble(settings, profiles, names, among=among, seed=seed)


def assemble(
    settings: ProfileWslSettings,
    profiles: anndata.AnnData,
    names: npt.NDArray[np.object_],
    /,
    *,
    among: Rows,
    seed: int,
    blocks: Sequence[str] | None = None,
) -> Prepared:
    """The method, trained on some rows.

    Parameters
    ----------
    settings
        Sizes.
    profiles
        Profiles of n wells.
    names
        (n,), the class of each row.
    among
        The rows to train on.
    seed
        Of the weights and the minibatches.
    blocks
        Those of an earlier run; None: all of the profiles'.

    Returns
    -------
    Prepared
        The method, its feed and its facts.

    Raises
    ------
    InputError
        Where values are missing or fewer than two classes are left.

    """
    values, _, block_names = tables.blocks(profiles, by=settings.blocks, among=blocks)
    if not np.isfinite(values[among]).all():
        raise InputError("the profiles hold missing or infinite values; run: impasto correct --method select")
    classes = sorted(set(names[among]))
    if len(classes) < 2:
        raise InputError(
            f"{len(classes)} class of {', '.join(settings.classes)} is left; a classifier needs two or more: choose more rows (only)"
        )
    place = {name: i for i, name in enumerate(classes)}
    torch.manual_seed(seed)
    method = ProfileWsl(settings, channels=len(block_names), profile_width=values.shape[2], classes=len(classes))
    seen = np.clip(values[among], -settings.clip_values, settings.clip_values)
    method.mean.copy_(torch.as_tensor(seen.mean(axis=0)))
    method.spread.copy_(torch.as_tensor(np.maximum(seen.std(axis=0), 1e-3)))
    codes = [place.get(name, -1) for name in names]
    feed = WellFeed(torch.as_tensor(values), codes, among=among, minibatch=settings.minibatch, seed=seed)
    facts: dict[str, Any] = {
        "features": list(profiles.var_names),
        "blocks": block_names,
        "classes": classes,
        "lines": lines_of(profiles.obs, among),
        "split": {"train": classes},
    }
    return Prepared(method, feed, None, facts, units=profiles.obs.assign(**{"class": names}))


METHOD = Trainable(ProfileWslSettings, prepare, reads="profiles")
"""What `name = "profile_wsl"` in `[stage.method]` of a recipe means."""
