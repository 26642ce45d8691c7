"""`--protocol copairs` gives copairs' own numbers."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.peers import peer

from impasto import ranking
from impasto.evaluation import copairs, replicates

copairs_map = peer("copairs.map")


def _plates(controls: list[int], *, whole_numbers: bool) -> anndata.AnnData:
    rng = np.random.default_rng(0)
    centres, rows, values = rng.normal(size=(25, 12)), [], []
    for plate, number in enumerate(controls):
        for well in range(25 + number):
            rows.append((f"P{plate}", f"c{well:02d}" if well < 25 else "DMSO", "trt" if well < 25 else "negcon"))
            values.append(rng.normal(size=12) + (0.6 * centres[well] if well < 25 else 0))
    x = np.array(values, dtype=np.float32)
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type"]).rename(index=str)
    return anndata.AnnData(X=np.sign(x) if whole_numbers else x, obs=obs)


@pytest.mark.parametrize("whole_numbers", [False, True], ids=["real", "tied"])
@pytest.mark.parametrize("controls", [[8, 8, 8], [4, 16, 9]], ids=["equal", "unequal"])
def test_scores_and_p_values_are_those_of_copairs(controls: list[int], whole_numbers: bool, tmp_path: Path) -> None:
    data = _plates(controls, whole_numbers=whole_numbers)
    meta = data.obs.reset_index(drop=True)
    meta["reference"] = np.where(meta["control_type"] == "negcon", meta.index, -1)
    rules = {"pos_sameby": ["perturbation", "reference"], "pos_diffby": [], "neg_sameby": ["plate"], "neg_diffby": ["control_type"]}
    theirs = copairs_map.average_precision(meta, data.X, **rules, progress_bar=False)
    theirs = theirs[theirs["control_type"] == "trt"]
    per = copairs_map.mean_average_precision(
        theirs, ["perturbation"], null_size=500, threshold=0.05, seed=3, progress_bar=False, cache_dir=tmp_path
    ).sort_values("perturbation")
    details = replicates.evaluate(data, protocol="copairs", draws=500, seed=3, with_baselines=False).details()
    mine = details["per_group"].sort_values("perturbation")
    np.testing.assert_allclose(details["per_well"]["average_precision"], theirs["average_precision"], atol=1e-9)
    np.testing.assert_allclose(mine["mean_average_precision"], per["mean_average_precision"], atol=1e-9)
    np.testing.assert_allclose(mine["p_value"], per["p_value"], atol=1e-9)
    np.testing.assert_allclose(mine["corrected_p_value"], per["corrected_p_value"], atol=1e-9)


@pytest.mark.parametrize(("positives", "total"), [(1, 5), (2, 6), (3, 40), (3, 4), (5, 300), (300, 12_000)])
def test_random_precisions_are_those_of_random_rankings(positives: int, total: int) -> None:
    """Every set of places is as likely as any other: the values and their shares are those of all of them."""
    draws = 200_000 if positives < 10 else 500
    found = copairs.random_precisions(draws, positives, total, 1).astype(np.float64)
    assert found.mean() == pytest.approx(ranking.chance_average_precision(positives, total - positives), abs=5 * found.std() / draws**0.5)
    if total > 40:
        return
    every = np.sort([sum(k / (place + 1) for k, place in enumerate(c, start=1)) / positives for c in combinations(range(total), positives)])
    place = np.searchsorted(every, found).clip(1, len(every) - 1)
    np.testing.assert_allclose(np.minimum(np.abs(every[place] - found), np.abs(every[place - 1] - found)), 0, atol=1e-6)
    share = [np.searchsorted(np.sort(x), every + 1e-6, side="right") / len(x) for x in (found, every)]
    np.testing.assert_allclose(*share, atol=5 * 0.5 / 447)


@pytest.mark.parametrize("controls", [[8] * 5, [4, 16, 9, 7, 5]], ids=["equal", "unequal"])
def test_either_null_gives_the_same_p_values_but_for_the_draws(controls: list[int]) -> None:
    """Five plates, so that few means tie with the null: on a tie, copairs' own answer hangs on the last bit of a float32."""
    data = _plates(controls, whole_numbers=False)
    p = [
        replicates.evaluate(data, protocol="copairs", draws=20_000, null=null, with_baselines=False).per_group["p_value"]
        for null in copairs.NULLS
    ]
    for other in p[1:]:
        np.testing.assert_allclose(p[0], other, atol=5 * 0.5 / np.sqrt(20_000))
        assert (p[0] != other).any()


@pytest.mark.parametrize(("wells", "negatives"), [(20, [64]), (4, [60, 62, 63, 64]), (3, [16]), (2, [5, 5, 8])])
def test_the_exact_null_is_what_the_draws_of_copairs_tend_to(wells: int, negatives: list[int], tmp_path: Path) -> None:
    names = np.repeat([f"c{i:03d}" for i in range(60)], wells)
    scores = np.random.default_rng(0).uniform(0, 0.6, len(names)) ** 1.5
    numbers = {"positives": wells - 1, "negatives": np.resize(negatives, len(names))}
    detail = pd.DataFrame({"perturbation": names, "average_precision": scores, **numbers})
    meta = detail.rename(columns={"positives": "n_pos_pairs"}).assign(normalized_average_precision=0.0)
    meta["n_total_pairs"] = meta["n_pos_pairs"] + meta["negatives"]
    draws = 100_000
    theirs = copairs_map.mean_average_precision(
        meta, ["perturbation"], null_size=draws, threshold=0.05, seed=1, progress_bar=False, cache_dir=tmp_path
    ).sort_values("perturbation")["p_value"]
    ours = copairs.p_values(detail, draws=1, seed=0, null="exact").to_numpy()
    assert len(np.unique(ours)) > 10
    np.testing.assert_array_less(np.abs(ours - theirs), 5 * np.sqrt(ours * (1 - ours) / draws) + 2 / draws)


def test_the_exact_null_counts_ties_and_the_draws_do_not() -> None:
    """One positive among four, found first: one ranking in four is as good, none is better."""
    detail = pd.DataFrame({"perturbation": ["a"], "average_precision": [1.0], "positives": [1], "negatives": [3]})
    assert copairs.p_values(detail, draws=1, seed=0, null="exact")["a"] == pytest.approx(0.25)
    assert copairs.p_values(detail, draws=999, seed=0, null="order-statistics")["a"] == pytest.approx(1 / 1000)


@pytest.mark.parametrize(("positives", "total", "whole"), [(16, 32, False), (16, 31, True), (9, 10, True), (8, 8, False)])
def test_many_positives_are_shuffled_as_whole_rankings(positives: int, total: int, whole: bool) -> None:
    """A seed stands for one draw of precisions, so where one way of drawing ends and the other begins is part of the result."""
    rng = np.random.default_rng(5)
    ranks = np.sort(rng.permuted(np.tile(np.arange(total), (40, 1)), axis=1)[:, :positives], axis=1) + 1
    shuffled = (np.arange(1, positives + 1) / ranks).mean(axis=1)
    found = copairs.random_precisions(40, positives, total, 5)
    if positives < total:
        assert np.allclose(found, shuffled, atol=1e-6) is whole
    else:
        np.testing.assert_allclose(found, 1, atol=1e-6)
