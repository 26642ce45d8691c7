"""Aggregation and stacking, beside plain loops."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.profiles.tables import table

from impasto import profiles, schema
from impasto.schema import InputError


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(6)), st.sampled_from(["mean", "median"]))
def test_aggregation_does_not_depend_on_the_order_of_rows(order: list[int], statistic: str) -> None:
    whole = profiles.from_frame(table(), where="t")
    one = profiles.aggregate(whole, by=["perturbation"], statistic=statistic)
    other = profiles.aggregate(whole[order].copy(), by=["perturbation"], statistic=statistic)
    np.testing.assert_allclose(profiles.dense(one), profiles.dense(other), atol=1e-6)
    assert one.obs[schema.PERTURBATION].tolist() == other.obs[schema.PERTURBATION].tolist() == ["BRD-1", "BRD-2", "DMSO"]
    assert one.obs["n_rows"].tolist() == [2, 2, 2]
    assert schema.WELL not in one.obs  # the wells of a group differ, so the group has none


def test_aggregation_equals_a_plain_loop() -> None:
    whole = profiles.from_frame(table(), where="t")
    found = profiles.aggregate(whole, by=["perturbation"], statistic="median")
    for row, name in enumerate(found.obs[schema.PERTURBATION]):
        mine = profiles.dense(whole)[(whole.obs[schema.PERTURBATION] == name).to_numpy()]
        np.testing.assert_allclose(profiles.dense(found)[row], np.median(mine, axis=0), atol=1e-6)


def test_stacking_keeps_common_features_and_counts_the_rest() -> None:
    one = profiles.from_frame(table(), where="t")
    other = profiles.from_frame(table().drop(columns="Nuclei_AreaShape_Area"), where="u")
    stacked = profiles.join_common([one, other])
    assert stacked.shape == (12, 2)
    assert stacked.uns["features_dropped"] == 1


def test_the_columns_of_a_group_are_asked_for_by_name() -> None:
    with pytest.raises(InputError, match=r"aggregation needs the column 'batch'.*--set columns\.batch=NAME"):
        profiles.aggregate(profiles.from_frame(table(), where="t"), by=["plate", "batch"])


def test_cells_are_summed_over_the_sites_of_a_well_and_averaged_over_wells() -> None:
    obs = pd.DataFrame({"well": ["A01", "A01", "B01"], "perturbation": "x", "cell_count": [10, 20, 50]}, index=list("012"))
    sites = anndata.AnnData(X=np.zeros((3, 1), dtype=np.float32), obs=obs)
    assert profiles.aggregate(sites, by=["well"]).obs["cell_count"].tolist() == [30.0, 50.0]
    assert profiles.aggregate(sites, by=["perturbation"]).obs["cell_count"].tolist() == [pytest.approx(80 / 3)]
    with pytest.raises(InputError, match=r"unknown statistic 'meen' \(did you mean 'mean'"):
        profiles.aggregate(sites, by=["well"], statistic="meen")


def test_tables_without_a_common_feature_cannot_be_stacked() -> None:
    one = profiles.from_frame(table(), where="t")
    with pytest.raises(InputError, match="no feature in common"):
        profiles.join_common([one[:, :1].copy(), one[:, 1:].copy()])
