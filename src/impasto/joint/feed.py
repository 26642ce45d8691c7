"""Minibatches of bags: some profiles of each perturbation, padded, beside what is known of the perturbation itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.joint.described import Described
from impasto.joint.values import Values
from impasto.sampling import bags, minibatches
from impasto.training.method import Minibatch

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Bags(Minibatch):
    """Bags of N groups.

    Attributes
    ----------
    profiles
        (N, K, C, d).
    mask
        (N, K), True where a profile is real.
    unit
        (N,), the number of each group.
    perturbation
        The tensors of their perturbations; empty where only profiles are read.

    """

    profiles: Tensor
    mask: Tensor
    unit: Tensor
    perturbation: tuple[Tensor, ...] = ()

    @property
    def size(self) -> int:
        return len(self.profiles)


class BagFeed:
    """Bags of groups of rows, in a seeded order.

    Groups of one name never share a minibatch, so that wells of one compound are never each other's negatives. Without names any groups may
    share one.

    Parameters
    ----------
    values
        Blocks of rows (rows, C, d), in memory or in a file.
    described
        What is read of the perturbation of each row; None: only profiles.
    members
        The rows of each group.
    minibatch
        Groups in a minibatch.
    bag
        The most rows of a group in a bag; None: all.
    seed
        Of the order and of the rows in a bag.
    names
        What was done to each group; None: all groups differ.

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

    def epoch(self, number: int, /) -> Sequence[Rows]:
        rng = np.random.default_rng([self.seed, number])
        return minibatches.cut_apart(rng.permutation(len(self.members)), self.size, self.names, rng)

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Bags:
        return self.bags(rows, size=self.bag, seed=[self.seed, epoch])

    def bags(self, rows: Rows, /, *, size: int | None = None, seed: Sequence[int] = (0,)) -> Bags:
        """Bags of these groups.

        Parameters
        ----------
        rows
            Numbers of groups.
        size
            The most rows in a bag; None: all of a group.
        seed
            Of the rows that are drawn.

        Returns
        -------
        Bags
            One bag for each group.

        """
        taken, mask = bags.draw([self.members[i] for i in rows], size=size, seed=seed)
        first = torch.as_tensor(np.array([self.members[i][0] for i in rows]))
        described = () if self.described is None else self.described.take(first)
        return Bags(self.values[torch.as_tensor(taken)], torch.as_tensor(mask), torch.as_tensor(np.asarray(rows)), described)

    def whole(self, *, minibatch: int = 256) -> Sequence[Bags]:
        """All groups, in order, with all of their rows, a few at a time.

        Parameters
        ----------
        minibatch
            Groups that come together.

        Returns
        -------
        Sequence[Bags]
            Minibatches of bags.

        """
        parts = np.array_split(np.arange(len(self.members)), max(1, -(-len(self.members) // minibatch)))
        return [self.bags(rows) for rows in parts if len(rows)]
