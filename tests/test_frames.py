"""Python users may hand over an AnnData or a DataFrame; anything else is named."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from impasto import frames
from impasto.schema import InputError


def test_an_anndata_is_taken_as_it_is() -> None:
    ad = anndata.AnnData(np.ones((2, 1), dtype=np.float32))
    assert frames.profiles_of(ad, task="scoring") is ad


def test_a_data_frame_becomes_profiles_in_our_words() -> None:
    frame = pd.DataFrame({"Metadata_Plate": ["1", "1"], "Metadata_Well": ["a1", "B2"], "Cells_AreaShape_Area": [1.5, 2.5]})
    ad = frames.profiles_of(frame, task="scoring")
    assert ad.obs["well"].tolist() == ["A01", "B02"]
    assert ad.obs["plate"].tolist() == ["1", "1"]
    assert ad.X[:, 0].tolist() == [1.5, 2.5]
    assert list(frame.columns) == ["Metadata_Plate", "Metadata_Well", "Cells_AreaShape_Area"]


@pytest.mark.parametrize("wrong", [{"method": "clip"}, "profiles.parquet", np.ones((2, 2)), None])
def test_anything_else_is_refused_by_its_type(wrong: object) -> None:
    with pytest.raises(TypeError, match=rf"scoring takes an AnnData or a DataFrame .*, not {type(wrong).__name__}; read a file"):
        frames.profiles_of(wrong, task="scoring")  # type: ignore[arg-type]


def test_prefixed_annotation_and_sparse_values_become_profiles() -> None:
    obs = pd.DataFrame({"Metadata_Plate": ["1", "1"], "Metadata_Well": ["a1", "B2"]}, index=["x", "y"])
    ad = anndata.AnnData(sparse.csr_matrix(np.array([[1.5, 0.0], [0.0, 2.5]], dtype=np.float32)), obs=obs, uns={"note": "kept"})
    found = frames.profiles_of(ad, task="scoring")
    assert found.obs["well"].tolist() == ["A01", "B02"]
    assert found.X.tolist() == [[1.5, 0.0], [0.0, 2.5]]
    assert found.uns["note"] == "kept"
    assert "Metadata_Plate" in ad.obs


def test_empty_tables_and_features_of_one_name_are_sentences() -> None:
    with pytest.raises(InputError, match="scoring needs rows and features, and the table has 0 rows of 1 features"):
        frames.profiles_of(anndata.AnnData(np.ones((0, 1), dtype=np.float32)), task="scoring")
    twice = anndata.AnnData(np.ones((2, 2), dtype=np.float32), var=pd.DataFrame(index=["a", "b"]))
    twice.var_names = ["a", "a"]
    with pytest.raises(InputError, match="scoring: two features are named 'a'"):
        frames.profiles_of(twice, task="scoring")
