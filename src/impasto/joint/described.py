"""The perturbations of the rows of a table, as tensors that a tower takes. Each distinct text or molecule is held once.

frozen text        features (N, t)
trained text       token ids (N, longest), mask (N, longest)
fingerprints       log counts (N, bits)
graphs             atoms, bonds, ends, the molecule of each atom, (N,)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from impasto.perturbations import molecular_graphs


class Described(Protocol):
    """The perturbations of all rows of a table."""

    width: int
    """Of what the tower reads: features, bits, or an atom."""

    def take(self, rows: Tensor, /) -> tuple[Tensor, ...]:
        """The tensors of some rows, as the tower takes them.

        Parameters
        ----------
        rows
            (N,), numbers of rows.

        Returns
        -------
        tuple[Tensor, ...]
            The tensors.

        """


class Features:
    """A vector for each row: frozen text, or a fingerprint.

    Parameters
    ----------
    values
        The distinct vectors (vectors, width).
    which
        (rows,), the place of each row's vector; None: row i has vector i.

    """

    def __init__(self, values: Tensor, which: Tensor | None = None) -> None:
        self.values, self.which = values, torch.arange(len(values)) if which is None else which
        self.width = values.shape[1]

    def take(self, rows: Tensor, /) -> tuple[Tensor, ...]:
        return (self.values[self.which[rows]],)


class Tokens:
    """Token ids and their mask. A minibatch is cut to its own longest text.

    Parameters
    ----------
    ids, mask
        (texts, longest of all) each.
    which
        (rows,), the place of each row's text.
    width
        Of the text encoder's embedding.

    """

    def __init__(self, ids: Tensor, mask: Tensor, which: Tensor, *, width: int) -> None:
        self.ids, self.mask, self.which, self.width = ids, mask, which, width

    def take(self, rows: Tensor, /) -> tuple[Tensor, ...]:
        chosen = self.which[rows]
        mask = self.mask[chosen]
        longest = int(mask.sum(dim=1).max())
        return self.ids[chosen, :longest], mask[:, :longest]


class Graphs:
    """Molecules as graphs, joined into one for a minibatch.

    Parameters
    ----------
    molecules
        The distinct molecules.
    which
        (rows,), the place of each row's molecule.

    """

    width = molecular_graphs.ATOM_WIDTH

    def __init__(self, molecules: Sequence[molecular_graphs.Graph], which: Tensor) -> None:
        self.molecules, self.which = list(molecules), which

    def take(self, rows: Tensor, /) -> tuple[Tensor, ...]:
        chosen = [self.molecules[int(i)] for i in self.which[rows]]
        counts = np.array([len(g.atoms) for g in chosen])
        before = np.concatenate([[0], np.cumsum(counts)[:-1]])
        atoms = np.concatenate([g.atoms for g in chosen])
        bonds = np.concatenate([g.bonds for g in chosen])
        ends = np.concatenate([g.ends + first for g, first in zip(chosen, before, strict=True)], axis=1)
        owner = np.repeat(np.arange(len(chosen)), counts)
        return (*map(torch.as_tensor, (atoms, bonds, ends, owner)), torch.arange(len(chosen)))
