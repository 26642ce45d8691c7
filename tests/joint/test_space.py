"""The joint space of a run: what it reads, what it refuses, what it knows again under another name."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.joint.towers import settings, trained

from impasto import runs
from impasto.joint import two_towers
from impasto.joint.space import Space
from impasto.schema import InputError


def test_a_molecule_run_reads_no_text_and_refuses_bad_molecules(profiles: anndata.AnnData, tmp_path: Path) -> None:
    space = trained(profiles, tmp_path, epochs=1)
    with pytest.raises(InputError, match="was trained on molecules and reads no text"):
        space.text("a sentence")
    with pytest.raises(InputError, match="'C1CC' is not a SMILES"):
        space.smiles("C1CC")
    nameless = profiles.copy()
    nameless.obs = nameless.obs.drop(columns="smiles")
    with pytest.raises(InputError, match="40 perturbations have no SMILES"):
        two_towers.prepare(settings(), nameless, seed=0)


def test_one_inchikey_is_one_perturbation(profiles: anndata.AnnData, tmp_path: Path) -> None:
    twice = profiles.copy()
    names = twice.obs["perturbation"].astype(str)
    first, second = sorted(n for n in names.unique() if n != "DMSO")[:2]
    twice.obs["inchikey"] = names.where(names != second, first)
    twice.obs.loc[twice.obs["perturbation"] == second, "smiles"] = twice.obs.loc[twice.obs["perturbation"] == first, "smiles"].iloc[0]
    embedded = trained(twice, tmp_path, epochs=1).embed(twice)
    assert (embedded.obs["modality"] == "perturbation").sum() == 39


def test_a_compound_that_was_trained_on_is_known_under_another_name(profiles: anndata.AnnData, tmp_path: Path) -> None:
    keyed = profiles.copy()
    keyed.obs["inchikey"] = "KEY-" + keyed.obs["perturbation"].astype(str)
    space = trained(keyed, tmp_path, epochs=1)
    renamed = keyed.copy()
    renamed.obs["perturbation"] = "OTHER-" + keyed.obs["perturbation"].astype(str)
    before, after = space.embed(keyed).obs, space.embed(renamed).obs
    assert after["split"].tolist() == before["split"].tolist()
    assert {"train", "validation", "test"} == set(after["split"])
    assert len(space.facts["split_digest"]) == 64


def test_rows_are_the_wells_of_the_joint_space_whatever_their_order(profiles: anndata.AnnData, tmp_path: Path) -> None:
    space = trained(profiles, tmp_path, epochs=1)
    wells = space.embed(profiles)
    wells = wells.X[(wells.obs["level"] == "well").to_numpy()]
    np.testing.assert_allclose(space.rows(profiles), wells, atol=1e-6)
    np.testing.assert_allclose(space.rows(profiles[::-1, ::-1].copy()), wells[::-1], atol=1e-6)  # features are found by name


def test_what_is_no_run_with_a_joint_space_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a trained run \(it has no model\.json\)"):
        Space.load(tmp_path)
    runs.write_json(tmp_path / "model.json", {"method": {"name": "mae"}, "facts": {}})
    with pytest.raises(InputError, match="holds a mae model, which has no joint space; use a run of two_towers or image_towers"):
        Space.load(tmp_path)


def test_a_molecule_is_one_unit_vector_and_many_are_described_in_parts_in_order(profiles: anndata.AnnData, tmp_path: Path) -> None:
    space = trained(profiles, tmp_path, epochs=1)
    smiles = [str(s) for s in profiles.obs["smiles"].dropna().unique()[:3]]
    one = [space.smiles(s) for s in smiles]
    assert all(vector.shape == (8,) for vector in one)
    np.testing.assert_allclose([np.linalg.norm(vector) for vector in one], 1.0, rtol=1e-5)
    from impasto.joint import perturbation

    many = smiles * 100
    together = space._described(perturbation.of_molecules(many, space.settings), len(many))
    np.testing.assert_allclose(together, np.array(one * 100), atol=1e-5)
