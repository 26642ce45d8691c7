"""Graphs of molecules hold every atom, and every bond both ways."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from tests.perturbations.molecules import ASPIRIN

from impasto.perturbations import molecular_graphs
from impasto.schema import InputError


def test_a_graph_holds_every_atom_and_each_bond_both_ways() -> None:
    found = molecular_graphs.graph(ASPIRIN)
    molecule = Chem.MolFromSmiles(ASPIRIN)
    assert found.atoms.shape == (molecule.GetNumAtoms(), molecular_graphs.ATOM_WIDTH)
    assert found.bonds.shape == (2 * molecule.GetNumBonds(), molecular_graphs.BOND_WIDTH)
    assert {tuple(e) for e in found.ends.T} == {tuple(e[::-1]) for e in found.ends.T}
    degrees = np.bincount(found.ends[1], minlength=len(found.atoms))
    assert degrees.tolist() == [a.GetDegree() for a in molecule.GetAtoms()]
    assert molecular_graphs.graph("[Na+]").ends.shape == (2, 0)


@pytest.mark.parametrize("smiles", ["C1CC", "", "not a molecule"])
def test_a_bad_smiles_is_one_sentence(smiles: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="is not a SMILES that can be read; write for example"):
        molecular_graphs.graph(smiles)
    assert capfd.readouterr().err == ""


def test_every_part_of_an_atom_and_a_bond_by_hand() -> None:
    elements = [5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53]
    assert molecular_graphs.ATOM_WIDTH == 13 + 6 + 5 + 3 + 5
    phosphorus = molecular_graphs.graph("ClP(Cl)(Cl)(Cl)Cl")
    for atom, number, degree in ((0, 17, 1), (1, 15, 5)):
        row = phosphorus.atoms[atom]
        assert row[:12].tolist() == [float(number == e) for e in elements]
        assert row[12] == 0
        assert row[13:19].tolist() == [float(degree == d) for d in range(6)]
    sodium = molecular_graphs.graph("[Na+]").atoms[0]
    assert sodium[:13].tolist() == [0.0] * 12 + [1.0]
    assert sodium[27] == 1
    methane = molecular_graphs.graph("C").atoms[0]
    assert methane[19:24].tolist() == [0, 0, 0, 0, 1]
    assert methane[24:27].tolist() == [0, 0, 1]
    # Charge, aromatic, in a ring, then the two turns.
    assert molecular_graphs.graph("c1ccccc1").atoms[0][27:].tolist() == [0, 1, 1, 0, 0]
    left, right = (molecular_graphs.graph(s).atoms[1][30:].tolist() for s in ("C[C@H](N)O", "C[C@@H](N)O"))
    assert sorted((left, right)) == [[0, 1], [1, 0]]
    assert molecular_graphs.graph("c1ccccc1").bonds[0].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert molecular_graphs.graph("C#N").bonds.tolist() == [[0, 0, 1, 0, 0, 0, 0]] * 2
    assert molecular_graphs.graph("F/C=C/F").bonds[1].tolist() == [0, 1, 0, 0, 0, 0, 1]
