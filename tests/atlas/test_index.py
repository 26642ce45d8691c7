"""An index is whole or absent."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.atlas import building, index
from impasto.schema import InputError

pytestmark = pytest.mark.usefixtures("plain_maps")


def test_broken_profiles_and_folders_are_sentences(profiles: anndata.AnnData, tmp_path: Path) -> None:
    profiles.X[0, 0] = np.nan
    with pytest.raises(InputError, match="1 of 36 profiles hold missing"):
        building.build(profiles, tmp_path / "index")
    assert not (tmp_path / "index").exists()
    with pytest.raises(InputError, match="is not an index; make one with"):
        index.open_index(tmp_path)


def test_a_perturbation_is_the_unit_mean_of_its_unit_wells(opened: index.Index, profiles: anndata.AnnData) -> None:
    unit = profiles.X.astype(np.float64) / np.linalg.norm(profiles.X.astype(np.float64), axis=1, keepdims=True)
    rows = opened.rows
    assert rows["level"].tolist() == ["well"] * 36 + ["perturbation"] * 12
    np.testing.assert_allclose(opened.vectors[:36], unit, atol=1e-6)
    for place in range(36, 48):
        mean = unit[(profiles.obs["perturbation"] == rows["perturbation"][place]).to_numpy()].mean(axis=0)
        np.testing.assert_allclose(opened.vectors[place], mean / np.linalg.norm(mean), atol=1e-6)


def test_bags_that_a_run_has_pooled_are_kept_as_they_are(profiles: anndata.AnnData, tmp_path: Path) -> None:
    profiles.obs["level"] = ["well"] * 30 + ["perturbation"] * 6
    profiles.obs["modality"] = ["profile"] * 33 + ["perturbation"] * 3
    building.build(profiles, tmp_path / "index")
    opened = index.open_index(tmp_path / "index")
    rows = opened.rows
    # Texts and molecules (the last three rows) are no rows of an index; search ranks what was pooled: compounds 6, 7 and 8.
    assert rows["level"].value_counts().to_dict() == {"well": 30, "compound": 9, "perturbation": 3}
    ranked = rows[rows["level"] == "perturbation"]
    assert ranked["perturbation"].tolist() == ["c6", "c7", "c8"]
    unit = profiles.X[30:33] / np.linalg.norm(profiles.X[30:33], axis=1, keepdims=True)
    np.testing.assert_allclose(opened.vectors[ranked.index.to_numpy()], unit, atol=1e-6)


def test_nearest_is_by_cosine_among_the_rows_asked_for(opened: index.Index) -> None:
    among = np.zeros(48, dtype=bool)
    among[[3, 8, 40]] = True
    query = 7 * np.asarray(opened.vectors[8]) + np.asarray(opened.vectors[3])
    found = opened.nearest(query, top=2, among=among)
    cosine = [float(opened.vectors[row] @ query / np.linalg.norm(query)) for row in (3, 8, 40)]
    assert found["row"].tolist() == [row for _, row in sorted(zip(cosine, (3, 8, 40), strict=True), reverse=True)][:2]
    assert found["score"].tolist() == pytest.approx(sorted(cosine, reverse=True)[:2], abs=1e-6)
    with pytest.raises(InputError, match="holds no row of the kind asked for"):
        opened.nearest(query, top=2, among=np.zeros(48, dtype=bool))


def test_what_is_missing_is_none() -> None:

    table = pd.DataFrame({"gene": ["TP53", None], "x": [1.5, np.nan]})
    assert index.records(table) == [{"gene": "TP53", "x": 1.5}, {"gene": None, "x": None}]


def test_an_index_that_holds_no_answer_is_refused_when_it_is_opened(opened: index.Index, profiles: anndata.AnnData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an index of no rows answers nothing"):
        building.build(profiles[:0].copy(), tmp_path / "none")
    whole = np.array(opened.vectors)
    for name, vectors, rows, sentence in (
        ("short", whole[:-1], opened.rows, "holds 48 rows and 47 vectors; make the index again: impasto index"),
        ("empty", whole[:0], opened.rows[:0], "holds 0 rows and 0 vectors; make the index again"),
        ("nan", np.where(np.arange(48)[:, None] == 47, np.nan, whole), opened.rows, "vectors that are not finite"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "index.json").write_text('{"engine": "exact", "run": null, "layout": "pca", "width": 8}')
        np.save(folder / "vectors.npy", vectors.astype(np.float32))
        rows.to_parquet(folder / "rows.parquet")
        with pytest.raises(InputError, match=sentence):
            index.open_index(folder)
