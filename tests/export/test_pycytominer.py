"""pycytominer's names: a prefix for features of no compartment, rows by number, and what is inferred."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import profiles
from impasto.export import pycytominer
from impasto.schema import InputError

NAMES = ["Cells_AreaShape_Area", "emb_DNA_0000", "Image_Intensity_Mean_ER"]


def table() -> anndata.AnnData:
    obs = pd.DataFrame({"plate": ["P1", "P1"], "well": ["A01", "A02"], "odd word": [1, 2]}, index=["x", "y"])
    return anndata.AnnData(X=np.arange(6, dtype=np.float32).reshape(2, 3), obs=obs, var=profiles.describe_features(NAMES))


def test_features_without_a_compartment_get_the_prefix() -> None:
    data = table()
    written = pycytominer.spelled(data, feature_prefix="Cells_dinov2_")
    assert list(written.var_names) == ["Cells_AreaShape_Area", "Cells_dinov2_emb_DNA_0000", "Image_Intensity_Mean_ER"]
    assert list(written.obs_names) == ["0", "1"]
    assert {"Metadata_Plate", "Metadata_Well"} <= set(written.obs)
    assert all(column.startswith("Metadata_") for column in written.obs)
    assert list(data.var_names) == NAMES
    assert list(pycytominer.spelled(data).var_names) == NAMES


@pytest.mark.parametrize("prefix", ["dinov2_", "Cells_dinov2", "cells_x_"])
def test_a_prefix_that_infers_nothing_is_refused(prefix: str) -> None:
    with pytest.raises(InputError, match=f"the feature prefix '{prefix}' makes pycytominer infer nothing"):
        pycytominer.spelled(table(), feature_prefix=prefix)


def test_what_is_inferred_is_counted() -> None:
    assert pycytominer._inferred(NAMES).startswith("pycytominer infers 1 of 3 features by their names; for the others add --feature-prefix")
    assert pycytominer._inferred(NAMES).endswith("1 of the image are taken with image_features=True")
    assert pycytominer._inferred(["Cells_a", "Nuclei_b"]) == "pycytominer infers 2 of 2 features by their names"
    assert "--feature-prefix" not in pycytominer._inferred(["Cells_a", "Image_b"])
