"""Writing an index: its tables, vectors and numbers by hand, the same bytes again, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import runs
from impasto.atlas import arrow_files, building, index, pairs
from impasto.schema import InputError

pytestmark = pytest.mark.usefixtures("plain_maps")


def dosed(profiles: anndata.AnnData) -> anndata.AnnData:
    """Every compound of a plate at another dose."""
    profiles.obs["concentration"] = np.repeat([1.0, 10.0, 100.0], 12)
    profiles.obs["control_type"] = np.where(profiles.obs["perturbation"] == "c0", "negcon", "trt")
    profiles.uns["concentration_unit"] = "uM"
    return profiles


def test_tables_and_vectors_stand_row_by_row(profiles: anndata.AnnData, tmp_path: Path) -> None:
    building.build(dosed(profiles), tmp_path / "index", title="A title", pixel_um=0.5)
    facts = json.loads((tmp_path / "index" / "index.json").read_text())
    assert (facts["version"], facts["title"], facts["pixel_um"], facts["dose_unit"], facts["spaces"]) == (
        2,
        "A title",
        0.5,
        "uM",
        ["profiles"],
    )
    others = arrow_files.frame(arrow_files.read(tmp_path / "index" / "perturbations.arrow"))
    vectors = np.load(tmp_path / "index" / "vectors" / "profiles.perturbations.npy")
    # c0 is a control: one row. Eleven compounds: one row each and one for each of three doses.
    assert len(others) == len(vectors) == 1 + 11 * 4
    unit = profiles.X.astype(np.float64) / np.linalg.norm(profiles.X.astype(np.float64), axis=1, keepdims=True)
    for place in range(len(others)):
        chosen = (profiles.obs["perturbation"] == others["perturbation"][place]).to_numpy()
        if not np.isnan(others["concentration"][place]):
            chosen = chosen & (profiles.obs["concentration"] == others["concentration"][place]).to_numpy()
        mean = unit[chosen].mean(axis=0)
        np.testing.assert_allclose(vectors[place], mean / np.linalg.norm(mean), atol=1e-6)
        assert others["n_wells"][place] == chosen.sum()
    # The null of pairs is of whole compounds, controls left out.
    whole = (others["concentration"].isna() & (others["control_type"] == "trt")).to_numpy()
    np.testing.assert_allclose(np.load(tmp_path / "index" / "pairs.npy")[0], pairs.quantiles(vectors[whole], seed=0))
    opened = index.open_index(tmp_path / "index")
    assert opened.rows["level"].value_counts().to_dict() == {"well": 36, "perturbation": 34, "compound": 11}


def test_a_page_is_called_by_its_plates(profiles: anndata.AnnData, tmp_path: Path) -> None:
    building.build(profiles, tmp_path / "one")
    plates = sorted(profiles.obs["plate"].unique())
    assert len(plates) == 3
    assert json.loads((tmp_path / "one" / "index.json").read_text())["title"] == ", ".join(plates)
    building.build(anndata.AnnData(X=profiles.X, obs=profiles.obs[["perturbation"]]), tmp_path / "two")
    assert json.loads((tmp_path / "two" / "index.json").read_text())["title"] == "two"


def test_the_map_lies_in_a_square_and_perturbations_in_the_middle_of_their_wells(profiles: anndata.AnnData, tmp_path: Path) -> None:
    building.build(profiles, tmp_path / "index")
    wells, others = (arrow_files.frame(arrow_files.read(tmp_path / "index" / f"{level}.arrow")) for level in ("wells", "perturbations"))
    square = wells[["x", "y"]].to_numpy()
    assert np.abs(square).max() == pytest.approx(1.0)
    for place, name in enumerate(others["perturbation"]):
        np.testing.assert_allclose(
            others.loc[place, ["x", "y"]].astype(float), square[wells["perturbation"] == name].mean(axis=0), atol=1e-6
        )


def test_the_same_profiles_give_the_same_bytes_and_others_another_digest(profiles: anndata.AnnData, tmp_path: Path) -> None:
    for name in ("first", "second"):
        building.build(profiles, tmp_path / name, title="t")
    assert runs.digest(tmp_path / "first") == runs.digest(tmp_path / "second")
    profiles.X[0, 0] += 1
    building.build(profiles, tmp_path / "third", title="t")
    digests = [json.loads((tmp_path / name / "index.json").read_text())["digest"] for name in ("first", "second", "third")]
    assert digests[0] == digests[1] != digests[2]


def test_plates_of_one_name_in_two_batches_are_two(profiles: anndata.AnnData, tmp_path: Path) -> None:
    profiles.obs["batch"] = np.where(profiles.obs["plate"] == "P0", "a", "b")
    profiles.obs["plate"] = profiles.obs["plate"].where(profiles.obs["plate"] != "P1", "P0")
    building.build(profiles, tmp_path / "index")
    wells = arrow_files.frame(arrow_files.read(tmp_path / "index" / "wells.arrow"))
    assert sorted(wells["plate"].unique()) == ["a/P0", "b/P0", "b/P2"]


def test_perturbations_without_wells_are_mapped_themselves(profiles: anndata.AnnData, tmp_path: Path) -> None:
    building.build(profiles[:12].copy().copy(), tmp_path / "wells")
    alone = profiles[:12].copy()
    alone.obs = alone.obs.drop(columns=["plate", "well"]).assign(level="perturbation", modality="profile")
    building.build(alone, tmp_path / "index")
    opened = index.open_index(tmp_path / "index")
    assert opened.rows["level"].tolist() == ["perturbation"] * 12
    assert opened.rows[["x", "y"]].notna().all().all()
    np.testing.assert_allclose(opened.vectors[:12], alone.X / np.linalg.norm(alone.X, axis=1, keepdims=True), atol=1e-6)


def test_texts_alone_and_features_of_profiles_are_refused(profiles: anndata.AnnData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="features belong to an index of embeddings"):
        building.build(profiles, tmp_path / "index", features=profiles)
    profiles.obs["modality"] = "perturbation"
    with pytest.raises(InputError, match="holds texts or molecules only"):
        building.build(profiles, tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_a_table_of_one_well_and_without_annotation_is_indexed(tmp_path: Path) -> None:
    bare = anndata.AnnData(X=np.ones((1, 3), dtype=np.float32), obs=pd.DataFrame(index=["0"]))
    building.build(bare, tmp_path / "one")
    opened = index.open_index(tmp_path / "one")
    assert opened.rows["level"].tolist() == ["well"]
