"""Minibatches of views of pairs: which sites are drawn, how each is cut out, and the noise that patches are dropped by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.pretrain import views
from impasto.pretrain.pictures import HasPixels
from impasto.sampling.pairs import Pairs
from impasto.training.method import Minibatch

if TYPE_CHECKING:
    from impasto.pretrain.images import ImageSettings

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Views(Minibatch):
    """Views of B pairs, light 0 to 1, and what is random about them.

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

    """

    anchor: Tensor
    target: Tensor
    focal: Tensor
    noise: Tensor
    group: Tensor
    unit: Tensor
    partner: Tensor

    @property
    def size(self) -> int:
        return len(self.anchor)


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

    """

    def __init__(self, pictures: HasPixels, pairs: Pairs, settings: ImageSettings, /, *, tokens: int, focal: bool, seed: int) -> None:
        self.pictures, self.pairs, self.settings, self.tokens, self.seed = pictures, pairs, settings, tokens, seed
        self.focal = settings.views.focal if focal else 0

    def epoch(self, number: int, /) -> Sequence[Rows]:
        """Shuffled passes over the perturbations (or sites), each cut into minibatches of equal size; none holds a row twice.

        Parameters
        ----------
        number
            Of the epoch.

        Returns
        -------
        Sequence[Rows]
            The rows of each minibatch.

        """
        rng = np.random.default_rng([self.seed, number])
        parts: list[Rows] = []
        for rows in self.pairs.passes():
            parts += np.array_split(rng.permutation(rows), max(1, len(rows) // self.settings.minibatch))
        return parts

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Views:
        """The views of some rows.

        Parameters
        ----------
        rows
            Rows of an epoch.
        epoch
            Its number.

        Returns
        -------
        Views
            The views.

        """
        drawn = [self._draw(int(row), np.random.default_rng([self.seed, epoch, int(row)])) for row in rows]
        settings = self.settings.views
        pictures = {n: self.pictures[n] for d in drawn for n in (d.anchor, d.target)}
        anchors = [pictures[d.anchor] for d in drawn]
        channels = len(self.pictures.channels)
        focal = torch.empty(len(rows), 0, channels, settings.focal_size, settings.focal_size)
        if self.focal:
            many = [a for a in anchors for _ in range(self.focal)]
            small = views.render(many, [v for d in drawn for v in d.focal_views], size=settings.focal_size)
            focal = small.view(len(rows), self.focal, *small.shape[1:])
        return Views(
            anchor=views.render(anchors, [d.anchor_view for d in drawn], size=settings.size),
            target=views.render([pictures[d.target] for d in drawn], [d.target_view for d in drawn], size=settings.size),
            focal=focal,
            noise=torch.from_numpy(np.stack([d.noise for d in drawn])),
            group=torch.tensor([d.group for d in drawn]),
            unit=torch.tensor([d.anchor for d in drawn]),
            partner=torch.tensor([d.target for d in drawn]),
        )

    def _draw(self, row: int, rng: np.random.Generator) -> _Drawn:
        group, anchor, target = self.pairs.draw(row, rng)
        made = [
            views.draw(self.settings.views, rng, channels=len(self.pictures.channels), focal=number >= 2)
            for number in range(2 + self.focal)
        ]
        return _Drawn(group, anchor, target, made[0], made[1], made[2:], rng.random(self.tokens, dtype=np.float32))


@dataclass(frozen=True)
class _Drawn:
    group: int
    anchor: int
    target: int
    anchor_view: views.View
    target_view: views.View
    focal_views: list[views.View]
    noise: npt.NDArray[np.float32]
