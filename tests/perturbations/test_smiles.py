"""One molecule, one spelling: in texts, fingerprints, graphs and what a run answers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from impasto.perturbations import fingerprints, molecular_graphs, smiles
from impasto.perturbations.prompts import prompt
from impasto.schema import InputError

ACID = ("CC(O)=O", "OC(C)=O", "O=C(O)C", "C(C)(=O)O")
CHIRAL = ("C[C@H](N)C(=O)O", "N[C@@H](C)C(O)=O", "OC(=O)[C@H](C)N")
"""L-alanine, three times."""


@pytest.mark.parametrize("spellings", [ACID, CHIRAL])
def test_every_spelling_of_a_molecule_is_one(spellings: tuple[str, ...]) -> None:
    assert len({smiles.canonical(one) for one in spellings}) == 1
    texts = {prompt({"perturbation_name": "x", "smiles": one}) for one in spellings}
    assert texts == {f"A cell painting image of cells treated with x, SMILES: {smiles.canonical(spellings[0])}."}
    assert len(np.unique(fingerprints.fingerprints(list(spellings), bits=256), axis=0)) == 1
    graphs = [molecular_graphs.graph(one) for one in spellings]
    for graph in graphs[1:]:
        np.testing.assert_array_equal(graph.atoms, graphs[0].atoms)
        np.testing.assert_array_equal(graph.ends, graphs[0].ends)


def test_mirror_images_stay_two() -> None:
    assert smiles.canonical(CHIRAL[0]) != smiles.canonical("C[C@@H](N)C(=O)O")


@pytest.mark.parametrize("written", ["", "not a molecule", "C(("])
def test_what_cannot_be_read_is_refused_by_molecules_and_left_as_it_is_in_texts(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="is not a SMILES that can be read"):
        smiles.canonical(written)
    assert smiles.in_a_text(written) == written


def test_without_rdkit_texts_stay_as_they_are_written_and_molecules_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    smiles.canonical.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'impasto\[chem\]'"):
        smiles.canonical("OC(C)=O")
    assert smiles.in_a_text("OC(C)=O") == "OC(C)=O"
