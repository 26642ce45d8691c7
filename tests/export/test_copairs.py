"""copairs' names: normalised average precision by hand, thresholds, and values that it cannot rank by."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import profiles
from impasto.export import copairs
from impasto.schema import InputError


def test_a_query_is_scored_above_chance() -> None:
    detail = pd.DataFrame({"well": ["A01"], "average_precision": [0.6], "chance": [0.2], "positives": [2.0], "negatives": [8.0]})
    row = copairs.results(detail).iloc[0]
    assert row["normalized_average_precision"] == pytest.approx(0.4 / 0.8)
    assert (row["n_pos_pairs"], row["n_total_pairs"], row["average_precision"]) == (2, 10, 0.6)
    assert row["Metadata_Well"] == "A01"
    assert "chance" not in row.index


def test_a_group_is_significant_below_the_threshold() -> None:
    detail = pd.DataFrame(
        {
            "perturbation": ["a", "b"],
            "mean_average_precision": [0.5, 0.1],
            "p_value": [0.01, 0.05],
            "corrected_p_value": [0.05, 0.049],
            "chance": 0.1,
            "positives": 1,
            "negatives": 2,
        }
    )
    table = copairs.results(detail)
    assert table["below_p"].tolist() == [True, False]
    assert table["below_corrected_p"].tolist() == [False, True]
    assert table["mean_average_precision"].tolist() == [0.5, 0.1]
    assert "below_p" not in copairs.results(detail.drop(columns="p_value"))


def test_details_of_an_evaluation_are_told_from_profiles() -> None:
    usual = ["chance", "positives", "negatives"]
    assert copairs.is_result(pd.Index([*usual, "average_precision"]))
    assert copairs.is_result(pd.Index([*usual, "mean_average_precision"]))
    assert not copairs.is_result(pd.Index(usual))
    assert not copairs.is_result(pd.Index(["chance", "average_precision"]))


def test_missing_values_are_counted_and_the_worst_feature_is_named() -> None:
    values = np.array([[1.0, np.nan, np.inf], [1.0, np.nan, 2.0]], dtype=np.float32)
    names = ["Cells_AreaShape_A", "Cells_AreaShape_B", "Cells_AreaShape_C"]
    data = anndata.AnnData(X=values, var=profiles.describe_features(names))
    with pytest.raises(InputError, match=r"2 features hold missing or infinite values \(most in Cells_AreaShape_B\)"):
        copairs.spelled(data)
