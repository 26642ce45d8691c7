"""Vectors of molecules from a user's table: by canonical SMILES, and refused where one is lacking."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.joint.towers import settings

from impasto.joint import molecule_vectors, perturbation
from impasto.schema import InputError


def written(folder: Path, text: str) -> Path:
    (folder / "vectors.csv").write_text(text)
    return folder / "vectors.csv"


def test_a_molecule_is_found_in_any_spelling_and_read_by_its_tower(tmp_path: Path) -> None:
    path = written(tmp_path, "smiles,v0,v1\nOCC,1,2\nC,3,4\n")
    chosen = settings(molecule="vectors", molecule_vectors=str(path))
    described = perturbation.of_molecules(["C", "CCO", "C(O)C"], chosen)
    (found,) = described.take(torch.tensor([0, 1, 2]))
    assert found.tolist() == [[3, 4], [1, 2], [1, 2]]
    assert perturbation.width(chosen) == described.width == 2
    assert perturbation.tower(chosen, width=2).eval()(found).shape == (3, 8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smiles,v0\nC,1\n", "does not name 1 of 2 molecules .first: 'CC'"),
        ("name,v0\nC,1\n", "has 0 columns named smiles"),
        ("smiles,v0\nC,x\nCC,1\n", "holds text beside the column smiles"),
        ("smiles,v0\nC,\nCC,1\n", "missing or infinite numbers"),
        ("smiles\nC\nCC\n", "holds no numbers"),
    ],
)
def test_what_is_lacking_is_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        molecule_vectors.of(["C", "CC"], written(tmp_path, text))


def test_without_a_table_nothing_can_be_read() -> None:
    with pytest.raises(InputError, match="name it with molecule_vectors"):
        molecule_vectors.of(["C"], None)
