"""Molecules as graphs: a vector an atom, a vector a bond, and which atoms each bond joins, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from impasto.perturbations.smiles import molecule

if TYPE_CHECKING:
    from rdkit.Chem import Atom, Bond

_ELEMENTS = (5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)
_HYBRIDS = ("SP", "SP2", "SP3")
_BONDS = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")
ATOM_WIDTH = len(_ELEMENTS) + 1 + 6 + 5 + len(_HYBRIDS) + 5
BOND_WIDTH = len(_BONDS) + 3


@dataclass(frozen=True)
class Graph:
    """One molecule.

    Attributes
    ----------
    atoms
        (A, ATOM_WIDTH).
    bonds
        (B, BOND_WIDTH), each bond twice.
    ends
        (2, B), the atom that each bond leaves and the atom it reaches.

    """

    atoms: npt.NDArray[np.float32]
    bonds: npt.NDArray[np.float32]
    ends: npt.NDArray[np.int64]


def graph(smiles: str, /) -> Graph:
    """The graph of a molecule.

    Parameters
    ----------
    smiles
        One molecule.

    Returns
    -------
    Graph
        Its atoms and bonds.

    Raises
    ------
    InputError
        Where the SMILES cannot be read.

    """
    mol = molecule(smiles)
    atoms = np.array([_atom(a) for a in mol.GetAtoms()], dtype=np.float32)
    bonds = [_bond(b) for b in mol.GetBonds()]
    ends = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()]
    both = np.array(ends + [(t, s) for s, t in ends], dtype=np.int64).reshape(-1, 2).T
    return Graph(atoms, np.array(bonds + bonds, dtype=np.float32).reshape(-1, BOND_WIDTH), both)


def _one_hot(value: object, allowed: tuple[object, ...]) -> list[float]:
    return [float(value == a) for a in allowed]


def _atom(atom: Atom) -> list[float]:
    number = atom.GetAtomicNum()
    return [
        *_one_hot(number, _ELEMENTS),
        float(number not in _ELEMENTS),
        *_one_hot(min(atom.GetDegree(), 5), (0, 1, 2, 3, 4, 5)),
        *_one_hot(min(atom.GetTotalNumHs(), 4), (0, 1, 2, 3, 4)),
        *_one_hot(str(atom.GetHybridization()), _HYBRIDS),
        float(atom.GetFormalCharge()),
        float(atom.GetIsAromatic()),
        float(atom.IsInRing()),
        *_one_hot(str(atom.GetChiralTag()), ("CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW")),
    ]


def _bond(bond: Bond) -> list[float]:
    return [
        *_one_hot(str(bond.GetBondType()), _BONDS),
        float(bond.GetIsConjugated()),
        float(bond.IsInRing()),
        float(str(bond.GetStereo()) not in ("STEREONONE", "STEREOANY")),
    ]
