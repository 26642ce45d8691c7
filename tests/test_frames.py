"""Python users may hand over an AnnData or a DataFrame; anything else is named."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import frames


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
