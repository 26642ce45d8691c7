"""Molecule encoders: a four-layer perceptron over a count fingerprint (CLOOME), and message passing over atoms and bonds.

    h_v <- h_v + MLP( LN( h_v + sum_{u -> v} gelu( h_u + W e_uv ) ) ),     molecule = mean_v h_v

Sanchez-Fernandez et al., CLOOME (the perceptron); Gilmer et al. 2017 with the edge-aware sum of Hu et al. 2020 (message
passing), for the MPNN++ row of Lu et al., CellCLIP, Table 2.

Departures: counts are given to the perceptron as log(1 + count), since a path can occur hundreds of times in one molecule.
MPNN++ (Masters et al. 2022; 16 layers, pretrained on quantum chemistry) is here a small net trained with the towers.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional


def mlp(*, wide: int, width: int, out: int, depth: int = 4, dropout: float = 0.0) -> nn.Sequential:
    """The perceptron of CLOOME.

    Parameters
    ----------
    wide
        Features of a molecule.
    width
        Of the hidden layers.
    out
        Of an embedding.
    depth
        Layers.
    dropout
        Before each layer but the last.

    Returns
    -------
    nn.Sequential
        Features (N, wide) -> embeddings (N, out).

    """
    sizes = [wide, *[width] * (depth - 1)]
    hidden = [nn.Sequential(nn.Linear(a, b), nn.GELU(), nn.Dropout(dropout)) for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(nn.Dropout(dropout), *hidden, nn.Linear(width, out))


class MessagePassing(nn.Module):
    """Message passing over the atoms and bonds of molecules, then the mean over their atoms.

    Parameters
    ----------
    atom_width, bond_width
        Features of an atom and of a bond.
    width
        Of the hidden state of an atom.
    out
        Of an embedding.
    depth
        Rounds of messages.
    dropout
        In the update.

    """

    def __init__(self, *, atom_width: int, bond_width: int, width: int, out: int, depth: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        self.atoms = nn.Linear(atom_width, width)
        self.bonds = nn.ModuleList(nn.Linear(bond_width, width) for _ in range(depth))
        self.updates = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width))
            for _ in range(depth)
        )
        self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, out))

    def forward(self, atoms: Tensor, bonds: Tensor, ends: Tensor, owner: Tensor, molecules: Tensor, /) -> Tensor:
        """Embed molecules.

        Parameters
        ----------
        atoms
            Atoms of all molecules (A, atom_width).
        bonds
            Bonds of all molecules, both directions (B, bond_width).
        ends
            (2, B), the atom that each bond leaves and the atom it reaches.
        owner
            (A,), the molecule of each atom.
        molecules
            (N,), one entry for each molecule; only their number is read.

        Returns
        -------
        Tensor
            (N, out).

        """
        hidden = self.atoms(atoms)
        source, target = ends
        for bond, update in zip(self.bonds, self.updates, strict=True):
            message = functional.gelu(hidden[source] + bond(bonds))
            hidden = hidden + update(hidden + torch.zeros_like(hidden).index_add(0, target, message))
        summed = hidden.new_zeros(len(molecules), hidden.shape[1]).index_add(0, owner, hidden)
        return self.last(summed / torch.bincount(owner, minlength=len(molecules))[:, None])
