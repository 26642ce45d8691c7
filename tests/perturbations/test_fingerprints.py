"""Fingerprints are RDKit's own counts, the larger bit by bit; bad SMILES are one sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from tests.perturbations.molecules import ASPIRIN, CAFFEINE

from impasto.perturbations import fingerprints
from impasto.schema import InputError


def test_counts_are_the_larger_of_morgan_and_rdkit() -> None:
    found = fingerprints.fingerprints([ASPIRIN, CAFFEINE])
    assert found.shape == (2, 8192)
    for row, smiles in zip(found, (ASPIRIN, CAFFEINE), strict=True):
        molecule = Chem.MolFromSmiles(smiles)
        morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=8192).GetCountFingerprint(molecule).GetNonzeroElements()
        paths = rdFingerprintGenerator.GetRDKitFPGenerator(fpSize=8192).GetCountFingerprint(molecule).GetNonzeroElements()
        expected = {b: max(morgan.get(b, 0), paths.get(b, 0)) for b in {*morgan, *paths}}
        assert {int(b): int(row[b]) for b in np.flatnonzero(row)} == expected
        assert max(expected.values()) > 1


def test_the_way_a_molecule_is_written_does_not_matter() -> None:
    other = Chem.MolToSmiles(Chem.MolFromSmiles(CAFFEINE), doRandom=True, canonical=False)
    np.testing.assert_array_equal(*fingerprints.fingerprints([CAFFEINE, other], bits=512))


@pytest.mark.parametrize("smiles", ["C1CC", "", "not a molecule"])
def test_a_bad_smiles_is_one_sentence(smiles: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="is not a SMILES that can be read; write for example"):
        fingerprints.fingerprints([ASPIRIN, smiles])
    assert capfd.readouterr().err == ""


def test_perturbations_without_a_molecule_are_counted() -> None:
    obs = pd.DataFrame({"perturbation": ["a", "b", "b"], "smiles": [ASPIRIN, None, None]})
    with pytest.raises(InputError, match=r"1 perturbations have no SMILES \(first: 'b'\)"):
        fingerprints.of_rows(obs)
    with pytest.raises(InputError, match="2 perturbations have no SMILES"):
        fingerprints.of_rows(obs[["perturbation"]])
    assert fingerprints.of_rows(obs.iloc[:1]) == [ASPIRIN]
