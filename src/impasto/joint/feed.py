"""Minibatches of bags: some profiles of each perturbation, padded, beside what is known of the perturbation itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.joint.perturbation import Described
from impasto.joint.values import Values
from impasto.sampling import bags
from impasto.training.method import Minibatch

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Bags(Minibatch):
    """Bags of N groups: profiles (N, K, C, d), mask (N, K), the number of each group (N,), and the tensors of their perturbations
    (none: only profiles).
    """

    profiles: Tensor
    mask: Tensor
    unit: Tensor
    perturbation: tuple[Tensor, ...] = ()

    @property
    def size(self) -> int:
        return len(self.profiles)


class BagFeed:
    """Bags of groups of rows, in a seeded order; the values (rows, C, d) lie in memory or in a file, and are indexed.

    `names` says what was done to each group. Groups of one name are dealt to different minibatches, so that wells of one
    compound are never each other's negatives; without names (or where they are all different) any groups may meet.
    """

    def __init__(
        self,
        values: Values,
        described: Described | None,
        members: Sequence[Rows],
        *,
        minibatch: int,
        bag: int | None,
        seed: int,
        names: Sequence[str] | None = None,
    ) -> None:
        self.values, self.described, self.members = values, described, list(members)
        self.size, self.bag, self.seed = minibatch, bag, seed
        self.names = np.arange(len(self.members)) if names is None else np.unique(np.asarray(names), return_inverse=True)[1]
        self.most = int(np.bincount(self.names).max()) if len(self.names) else 1

    def epoch(self, number: int, /) -> Sequence[Rows]:
        rng = np.random.default_rng([self.seed, number])
        order = rng.permutation(len(self.members))
        count = max(1, len(order) // self.size, self.most)
        # Groups of one name side by side, names in a random order: dealt out like cards, they never meet.
        place = rng.permutation(len(order))[self.names[order]]
        dealt = order[np.argsort(place, kind="stable")]
        return [dealt[first::count] for first in range(count)]

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Bags:
        return self.bags(rows, size=self.bag, seed=[self.seed, epoch])

    def bags(self, rows: Rows, /, *, size: int | None = None, seed: Sequence[int] = (0,)) -> Bags:
        """Bags of these groups; whole ones unless a size is given."""
        taken, mask = bags.draw([self.members[i] for i in rows], size=size, seed=seed)
        first = torch.as_tensor(np.array([self.members[i][0] for i in rows]))
        described = () if self.described is None else self.described.take(first)
        return Bags(self.values[torch.as_tensor(taken)], torch.as_tensor(mask), torch.as_tensor(np.asarray(rows)), described)

    def whole(self, *, minibatch: int = 256) -> Sequence[Bags]:
        """All groups, in order, whole, a few at a time."""
        parts = np.array_split(np.arange(len(self.members)), max(1, -(-len(self.members) // minibatch)))
        return [self.bags(rows) for rows in parts if len(rows)]
