"""Distances to controls: the space, the pools, and exact p-values where Monte-Carlo hides hits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from tests.evaluation.screens import screen

from impasto.evaluation import distance
from impasto.evaluation.design import design
from impasto.statistics import discovery


def test_components_are_those_of_features_scaled_to_one_variance() -> None:
    values = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32) * [1, 10, 100, 1, 0]
    scaled = (values[:, :4] - values[:, :4].mean(axis=0)) / values[:, :4].std(axis=0)
    theirs = PCA(3).fit_transform(scaled.astype(np.float64))
    ours = distance.scores_of_components(values.astype(np.float32), 3)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)


def test_a_set_is_compared_with_the_judges_of_its_plates_and_never_with_itself() -> None:
    where = design(screen(perturbations=3, controls=5, spared=2, plates=2), pool_doses=False, by_batch=False, seed=0)
    sides = distance.pools(where.members[0], where.judges(), where)
    assert [(own.tolist(), controls.tolist()) for own, controls in sides] == [([0], [3, 4]), ([8], [11, 12])]
    played = distance.pools(np.array([3, 11]), where.judging, where)
    assert [(own.tolist(), controls.tolist()) for own, controls in played] == [([3], [4]), ([11], [12])]


def test_counting_finds_hits_where_a_thousand_draws_find_none() -> None:
    """2 plates, 12 controls: the floor is 1/169, and nine of 72 must be there. A thousand drawn orderings add the true one to it."""
    data = screen(plates=2, perturbations=72, active=9, controls=12, effect=6.0, width=20, whole=True)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    assert not where.judging.any()
    space = distance.scores_of_components(data.X, 50)
    tested = distance.compare_with_controls(space, where.members, where, rate=0.05, tested=72, seed=0)
    p = np.array([result.p for result in tested])
    assert min(p) == pytest.approx(1 / 169)
    assert all(result.exact for result in tested)
    assert (discovery.corrected(p) < 0.05).sum() == 9
    # What a thousand draws give on average.
    drawn = (1 + 1000 * p) / 1001
    assert (discovery.corrected(drawn) < 0.05).sum() == 0


def test_a_set_without_judges_has_no_test() -> None:
    data = screen(perturbations=3, controls=5, spared=2, plates=2)
    data.obs.loc[data.obs["plate"] == "P1", "spared"] = False
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    only_there = [where.members[0][where.plate[where.members[0]] == 1]]
    assert distance.compare_with_controls(np.zeros((16, 2)), only_there, where, rate=0.05, tested=3, seed=0) == [None]


def test_p_values_are_uniform_on_noise_with_unequal_controls() -> None:
    kept = []
    for seed in range(40):
        data = screen(seed=seed, perturbations=18, controls=20, spared=20, plates=2, whole=True)
        drop = (data.obs["plate"] == "P0") & data.obs["well"].isin(data.obs["well"][data.obs["control_type"] == "negcon"].unique()[:8])
        data = data[~drop.to_numpy()].copy()
        where = design(data, pool_doses=False, by_batch=False, seed=0)
        tested = distance.compare_with_controls(
            distance.scores_of_components(data.X, 50), where.members, where, rate=0.05, tested=18, seed=0
        )
        kept.append([result.p for result in tested])
    for level in (0.05, 0.1, 0.5):
        share = (np.array(kept) <= level).mean(axis=1)
        assert abs(share.mean() - level) < 3 * share.std(ddof=1) / np.sqrt(40), level
