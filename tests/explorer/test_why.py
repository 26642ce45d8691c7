"""Reasons by hand: shares of named features sum to the cosine, and groups to the same."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explorer import assay
from tests.explorer.test_near import OBS, consensus, row

from impasto.explorer import near, why
from impasto.explorer.contents import Contents


def test_shares_sum_to_the_cosine(contents: Contents) -> None:
    a, b = row(contents, "id-0"), row(contents, "id-1")
    got = why.why(contents, a, b)
    x, y = consensus("id-0"), consensus("id-1")
    share = x * y / np.sqrt((x * x).sum() * (y * y).sum())
    assert got["cosine"] == pytest.approx(float(share.sum()), abs=1e-5)
    assert sum(group["share"] for group in got["groups"]) + got["rest"] == pytest.approx(got["cosine"], abs=1e-12)
    top = {one["feature"]: one["share"] for one in got["top"]}
    assert top == pytest.approx({name: share[j] for j, name in enumerate(assay.FEATURES)}, abs=1e-6)
    assert [abs(one["share"]) for one in got["top"]] == sorted((abs(value) for value in top.values()), reverse=True)
    # It is the score that the neighbours show.
    shown = near.near(contents, a, space="profiles", top=200)["rows"]
    assert got["cosine"] == pytest.approx(next(one["score"] for one in shown if one["row"] == b), abs=1e-5)


def test_groups_are_compartment_group_and_channel(contents: Contents) -> None:
    got = why.why(contents, row(contents, "id-0"), row(contents, "id-2", 100.0))
    x, y = consensus("id-0"), consensus("id-2", 100.0)
    share = x * y
    groups = {(one["compartment"], one["group"], one["channel"]): one["share"] for one in got["groups"]}
    assert groups[("Cells", "AreaShape", "")] == pytest.approx(share[assay.FEATURES.index("Cells_AreaShape_Area")], abs=1e-6)
    assert groups[("Nuclei", "Texture", "ER")] == pytest.approx(share[assay.FEATURES.index("Nuclei_Texture_Entropy_ER_3_00")], abs=1e-6)
    assert got["features"] == len(assay.FEATURES)


def test_values_are_means_of_the_corrected_features(contents: Contents) -> None:
    place = row(contents, "id-1", 1.0)
    got = why.why(contents, place, row(contents, "id-0"))
    wells = ((OBS["perturbation"] == "id-1") & (OBS["concentration"] == 1.0)).to_numpy()
    means = dict(zip(assay.FEATURES, assay.profiles().X[wells].mean(axis=0), strict=True))
    assert {one["feature"]: one["a"] for one in got["top"]} == pytest.approx(means, abs=5e-3)


def test_shares_are_of_the_lengths_of_the_vectors() -> None:
    # 3 x 1 + 4 x 2 over 5 x sqrt(5).
    np.testing.assert_allclose(why.shares(np.array([3.0, 4.0]), np.array([1.0, 2.0])), np.array([3.0, 8.0]) / (5 * np.sqrt(5)))


def test_a_vector_of_zeros_has_no_shares() -> None:
    np.testing.assert_array_equal(why.shares(np.zeros(3), np.ones(3)), np.zeros(3))
