"""Minibatches of views of pairs: which sites are drawn, how each is cut out, and the noise that patches are dropped by.

For a CPU the views are rendered by the threads that make minibatches. For a GPU the pictures go there in 8 bit and are rendered on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.pretrain import render, view_matrices, views
from impasto.pretrain.pictures import HasPixels
from impasto.pretrain.view_matrices import Boxes
from impasto.pretrain.views import ViewSettings
from impasto.sampling.pairs import Pairs
from impasto.training.method import Minibatch

Rows = npt.NDArray[np.intp]
_CPU = torch.device("cpu")


class Feeding(Protocol):
    """What the feed reads of the settings of an image method."""

    @property
    def views(self) -> ViewSettings:
        """How views are cut out and changed."""

    @property
    def minibatch(self) -> int:
        """How many pairs."""

    @property
    def sample_channels(self) -> bool:
        """Whether each anchor shows some channels only."""


@dataclass(frozen=True)
class Views(Minibatch):
    """Views of B pairs, light from 0, and what is random about them.

    Attributes
    ----------
    anchor, target
        (B, C, S, S).
    focal
        (B, F, C, s, s), focal crops of the anchors; F = 0 where a method does not use them.
    noise
        (B, tokens), from which patches are dropped.
    group
        (B,), the number of the perturbation.
    unit, partner
        (B,), the sites of anchor and target.
    shown
        (B, C), the channels that each anchor shows; None: all.

    """

    anchor: Tensor
    target: Tensor
    focal: Tensor
    noise: Tensor
    group: Tensor
    unit: Tensor
    partner: Tensor
    shown: Tensor | None = None

    @property
    def size(self) -> int:
        return len(self.anchor)

    @property
    def images(self) -> int:
        return len(self.anchor) * (2 + self.focal.shape[1])


@dataclass(frozen=True)
class Stack(Minibatch):
    """Pictures of one shape and the views that are cut out of them.

    Attributes
    ----------
    pictures
        (M, C, H, W), 0 to 255.
    rows
        (M,), their rows in the minibatch.
    whole, focal
        One view of each picture, and several focal ones.

    """

    pictures: Tensor
    rows: Tensor
    whole: Boxes
    focal: Boxes

    @property
    def size(self) -> int:
        return len(self.pictures)


@dataclass(frozen=True)
class Cuts(Minibatch):
    """The views of B pairs before they are rendered: on a device they become `Views`.

    Attributes
    ----------
    anchors, targets
        The pictures, those of one shape together.
    sides
        Side of a view and of a focal crop, in pixels.
    noise, group, unit, partner, shown
        As of `Views`.

    """

    anchors: tuple[Stack, ...]
    targets: tuple[Stack, ...]
    sides: tuple[int, int]
    noise: Tensor
    group: Tensor
    unit: Tensor
    partner: Tensor
    shown: Tensor | None = None

    @property
    def size(self) -> int:
        return len(self.unit)

    def to(self, device: torch.device) -> Views:
        """The views, rendered on the device.

        Parameters
        ----------
        device
            Where the pictures go.

        Returns
        -------
        Views
            In float32, by products of float16 on a GPU.

        """
        here: Cuts = super().to(device)
        dtype = torch.float16 if device.type == "cuda" else torch.float32
        size, focal_size = self.sides
        anchor, target = (_in_order([(s, s.whole) for s in stacks], size, dtype) for stacks in (here.anchors, here.targets))
        focal = _in_order([(s, s.focal) for s in here.anchors], focal_size, dtype)
        return Views(anchor[:, 0], target[:, 0], focal, here.noise, here.group, here.unit, here.partner, here.shown)


def _in_order(parts: Sequence[tuple[Stack, Boxes]], size: int, dtype: torch.dtype) -> Tensor:
    """The views (B, V, C, size, size) of stacks that are made of B pictures together, in the order of the minibatch."""
    shown = []
    for stack, boxes in parts:
        rendered = view_matrices.render(stack.pictures, boxes, size=size, dtype=dtype)
        shown.append(rendered.view(stack.size, -1, *rendered.shape[1:]))
    whole = torch.cat(shown)
    return torch.empty_like(whole).index_copy_(0, torch.cat([stack.rows for stack, _ in parts]), whole)


class ViewFeed:
    """Minibatches of views. Each random number is a function of the seed, the epoch and the row.

    Parameters
    ----------
    pictures
        The pixels of sites.
    pairs
        Which sites make a pair.
    settings
        How views are made, and how many rows a minibatch has.
    tokens
        Of the encoder, for the noise.
    focal
        Whether focal crops are made.
    seed
        Of all that is drawn.
    device
        Where views are rendered.

    """

    def __init__(
        self,
        pictures: HasPixels,
        pairs: Pairs,
        settings: Feeding,
        /,
        *,
        tokens: int,
        focal: bool,
        seed: int,
        device: torch.device = _CPU,
    ) -> None:
        self.pictures, self.pairs, self.settings, self.tokens, self.seed = pictures, pairs, settings, tokens, seed
        self.with_focal, self.device = focal, device
        self.focal = settings.views.focal if focal else 0

    def on(self, device: torch.device, /) -> ViewFeed:
        """The same feed, whose views are rendered on a device.

        Parameters
        ----------
        device
            Any.

        Returns
        -------
        ViewFeed
            The feed.

        """
        return ViewFeed(self.pictures, self.pairs, self.settings, tokens=self.tokens, focal=self.with_focal, seed=self.seed, device=device)

    def epoch(self, number: int, /) -> Sequence[Rows]:
        """Shuffled passes over the perturbations (or sites), each cut into minibatches of exactly the size; none holds a row twice.

        Parameters
        ----------
        number
            Of the epoch.

        Returns
        -------
        Sequence[Rows]
            The rows of each minibatch.

        """
        return self.pairs.minibatches(number, np.random.default_rng([self.seed, number]), size=self.settings.minibatch)

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Views | Cuts:
        """The views of some rows.

        Parameters
        ----------
        rows
            Rows of an epoch.
        epoch
            Its number.

        Returns
        -------
        Views | Cuts
            The views; for a GPU the pictures and where they are cut, which become views there.

        """
        return self._views(rows, epoch) if self.device.type == "cpu" else self.cuts(rows, epoch=epoch)

    def _views(self, rows: Rows, epoch: int) -> Views:
        drawn, pictures = self._drawn(rows, epoch)
        anchors, settings = [pictures[d.anchor] for d in drawn], self.settings.views
        channels = len(self.pictures.channels)
        focal = torch.empty(len(rows), 0, channels, settings.focal_size, settings.focal_size)
        if self.focal:
            many = [a for a in anchors for _ in range(self.focal)]
            small = render.render(many, [v for d in drawn for v in d.focal_views], size=settings.focal_size)
            focal = small.view(len(rows), self.focal, *small.shape[1:])
        anchor = render.render(anchors, [d.anchor_view for d in drawn], size=settings.size)
        target = render.render([pictures[d.target] for d in drawn], [d.target_view for d in drawn], size=settings.size)
        return Views(anchor, target, focal, *_beside(drawn))

    def cuts(self, rows: Rows, /, *, epoch: int) -> Cuts:
        """The pictures of some rows and where views are cut out of them.

        Parameters
        ----------
        rows
            Rows of an epoch.
        epoch
            Its number.

        Returns
        -------
        Cuts
            In 8 bit.

        """
        drawn, pictures = self._drawn(rows, epoch)
        sides = (self.settings.views.size, self.settings.views.focal_size)
        anchors = self._stacks([pictures[d.anchor] for d in drawn], [([d.anchor_view], d.focal_views) for d in drawn], sides)
        targets = self._stacks([pictures[d.target] for d in drawn], [([d.target_view], []) for d in drawn], sides)
        return Cuts(anchors, targets, sides, *_beside(drawn))

    def _stacks(
        self, pictures: list[Tensor], drawn: list[tuple[list[views.View], list[views.View]]], sides: tuple[int, int]
    ) -> tuple[Stack, ...]:
        alike: dict[tuple[int, ...], list[int]] = {}
        for row, picture in enumerate(pictures):
            alike.setdefault(tuple(picture.shape), []).append(row)
        channels = len(self.pictures.channels)
        stacks = []
        for rows in alike.values():
            whole, focal = (Boxes.of([v for row in rows for v in drawn[row][kind]], size=sides[kind], channels=channels) for kind in (0, 1))
            stacks.append(Stack(torch.stack([pictures[row] for row in rows]), torch.tensor(rows), whole, focal))
        return tuple(stacks)

    def _drawn(self, rows: Rows, epoch: int) -> tuple[list[_Drawn], dict[int, Tensor]]:
        """What is drawn for each row, and the pictures it is cut out of."""
        pictures: dict[int, Tensor] = {}
        drawn = []
        for row in rows:
            rng = np.random.default_rng([self.seed, epoch, int(row)])
            group, anchor, target = self.pairs.draw(int(row), rng)
            pictures |= {number: self.pictures[number] for number in (anchor, target) if number not in pictures}
            drawn.append(self._draw(group, anchor, target, pictures, rng))
        return drawn, pictures

    def _draw(self, group: int, anchor: int, target: int, pictures: dict[int, Tensor], rng: np.random.Generator) -> _Drawn:
        shapes = [(int(p.shape[1]), int(p.shape[2])) for p in (pictures[anchor], pictures[target])]
        made = [
            views.draw(self.settings.views, rng, shape=shapes[number == 1], channels=len(self.pictures.channels), focal=number >= 2)
            for number in range(2 + self.focal)
        ]
        noise = rng.random(self.tokens, dtype=np.float32)
        shown = _some_channels(rng, len(self.pictures.channels)) if self.settings.sample_channels else None
        return _Drawn(group, anchor, target, made[0], made[1], made[2:], noise, shown)


def _some_channels(rng: np.random.Generator, count: int) -> npt.NDArray[np.bool_]:
    """Some of the channels: how many, each number as likely, then which (Bao et al. 2023, ChannelViT, section 3.3)."""
    shown = np.zeros(count, dtype=bool)
    shown[rng.permutation(count)[: int(rng.integers(1, count + 1))]] = True
    return shown


def _beside(drawn: Sequence[_Drawn]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Noise, perturbation, the sites of anchor and target of each row, and the channels that are shown."""
    sampled = [d.shown for d in drawn if d.shown is not None]
    shown = torch.from_numpy(np.stack(sampled)) if sampled else None
    numbers = [torch.tensor([getattr(d, name) for d in drawn]) for name in ("group", "anchor", "target")]
    return torch.from_numpy(np.stack([d.noise for d in drawn])), numbers[0], numbers[1], numbers[2], shown


@dataclass(frozen=True)
class _Drawn:
    group: int
    anchor: int
    target: int
    anchor_view: views.View
    target_view: views.View
    focal_views: list[views.View]
    noise: npt.NDArray[np.float32]
    shown: npt.NDArray[np.bool_] | None
