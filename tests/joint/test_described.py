"""The tensors of described perturbations, as a tower takes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.joint.towers import settings

from impasto.joint import perturbation
from impasto.perturbations import molecular_graphs


@pytest.mark.usefixtures("_text_model")
def test_a_minibatch_of_texts_is_as_long_as_its_longest() -> None:
    chosen = settings(perturbation="text", text_training="whole")
    tokens = perturbation.of_texts(["short", "a much longer sentence about cells and stains", "short"], chosen)
    ids, mask = tokens.take(torch.tensor([0, 2]))
    assert ids.shape == mask.shape
    assert mask.all()
    assert tokens.take(torch.tensor([1]))[0].shape[1] > ids.shape[1]


def test_graphs_are_joined_into_one_whose_bonds_stay_within_a_molecule() -> None:
    chosen = settings(molecule="message_passing")
    smiles = ["CCO", "C", "CC(=O)N", "CCO"]
    atoms, bonds, ends, owner, each = perturbation.of_molecules(smiles, chosen).take(torch.tensor([2, 0, 3]))
    alone = [molecular_graphs.graph(smiles[i]) for i in (2, 0, 3)]
    assert owner.tolist() == [n for n, g in enumerate(alone) for _ in range(len(g.atoms))]
    assert each.tolist() == [0, 1, 2]
    first, bond = 0, 0
    for one in alone:
        np.testing.assert_array_equal(atoms[first : first + len(one.atoms)], one.atoms)
        np.testing.assert_array_equal(bonds[bond : bond + len(one.bonds)], one.bonds)
        np.testing.assert_array_equal(ends[:, bond : bond + len(one.bonds)] - first, one.ends)
        first, bond = first + len(one.atoms), bond + len(one.bonds)
    assert len(atoms) == first
