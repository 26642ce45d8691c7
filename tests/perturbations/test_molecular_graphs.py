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
