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
    """The perceptron of `depth` layers: features (N, wide) -> embeddings (N, out)."""
    sizes = [wide, *[width] * (depth - 1)]
    hidden = [nn.Sequential(nn.Linear(a, b), nn.GELU(), nn.Dropout(dropout)) for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(nn.Dropout(dropout), *hidden, nn.Linear(width, out))


class MessagePassing(nn.Module):
    """Atoms of all molecules (A, a), bonds (B, b), ends (2, B), the molecule of each atom (A,), a row each (N,) -> (N, out)."""

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
        hidden = self.atoms(atoms)
        source, target = ends
        for bond, update in zip(self.bonds, self.updates, strict=True):
            message = functional.gelu(hidden[source] + bond(bonds))
            hidden = hidden + update(hidden + torch.zeros_like(hidden).index_add(0, target, message))
        summed = hidden.new_zeros(len(molecules), hidden.shape[1]).index_add(0, owner, hidden)
        return self.last(summed / torch.bincount(owner, minlength=len(molecules))[:, None])
