"""Explanations: contributions that add up to the cosine, by hand."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.small import plates

from impasto.evaluation.explain import explain
from impasto.profiles import describe_features
from impasto.schema import InputError

NAMES = ["Cells_Texture_Contrast_DNA", "Cells_Intensity_MeanIntensity_ER", "Nuclei_AreaShape_Area", "Nuclei_Texture_Contrast_DNA"]


def two() -> anndata.AnnData:
    values = np.array([[1, 2, 0, -1], [3, 0, 0, -1], [2, -1, 5, 1]], dtype=np.float32)
    obs = pd.DataFrame({"perturbation": ["a", "a", "b"], "plate": ["P", "Q", "P"]}, index=["r0", "r1", "r2"])
    return anndata.AnnData(X=values, obs=obs, var=describe_features(NAMES))


def test_contributions_are_the_terms_of_the_cosine() -> None:
    found = explain(two(), "a", "b")
    a, b = np.array([2.0, 1.0, 0.0, -1.0]), np.array([2.0, -1.0, 5.0, 1.0])
    terms = a * b / np.sqrt((a @ a) * (b @ b))
    by_feature = found.features.set_index("feature")["contribution"]
    np.testing.assert_allclose(by_feature[NAMES], terms)
    assert found.cosine == pytest.approx(terms.sum())
    assert found.features["feature"].iloc[0] == NAMES[0]
    sums = found.sums.set_index(["part", "name"])["contribution"]
    assert sums["channel", "DNA"] == pytest.approx(terms[0] + terms[3])
    assert sums["compartment", "Nuclei"] == pytest.approx(terms[2] + terms[3])
    assert sums["group", "Texture"] == pytest.approx(terms[0] + terms[3])
    assert sums["channel", "none"] == pytest.approx(terms[2])
    for part in ("channel", "compartment", "group"):
        assert sums[part].sum() == pytest.approx(found.cosine)
    assert "cosine of a and b" in repr(found)


def test_rows_by_name_medians_and_doses() -> None:
    found = explain(two(), "r0", "r2", by=None)
    assert found.features.set_index("feature").loc[NAMES[1], ["first", "second"]].tolist() == [2.0, -1.0]
    assert explain(two(), "P", "Q", by="plate", statistic="median").features["second"].abs().sum() == 4
    dosed = explain(plates(doses=True), "a@1", "a@10")
    assert -1 <= dosed.cosine <= 1
    assert dosed.cosine != pytest.approx(1)


def test_what_is_not_there_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"no row has the perturbation 'aa' \(did you mean 'a'\?\); there are 2, such as a, b"):
        explain(two(), "aa", "b")
    with pytest.raises(InputError, match="explain needs the column 'moa'"):
        explain(two(), "a", "b", by="moa")
    nothing = two()
    nothing.X[2] = 0
    with pytest.raises(InputError, match="the profile of 'b' is zero"):
        explain(nothing, "a", "b")
