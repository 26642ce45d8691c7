"""The joint permutation test against plain loops over the same draws."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.screens import screen

from impasto import ranking
from impasto.evaluation import permutation, replicates
from impasto.evaluation.layout import layout


def _wells() -> tuple[pd.DataFrame, np.ndarray]:
    """Two plates of one batch and one of another, unequal in controls; perturbation b stands twice on the first plate."""
    rows = []
    for plate, (wells, controls) in {"P0": ("abb", 3), "P1": ("ab", 5), "P2": ("ab", 4)}.items():
        batch = "X" if plate < "P2" else "Y"
        rows += [(plate, batch, w, "trt") for w in wells] + [(plate, batch, "DMSO", "negcon")] * controls
    obs = pd.DataFrame(rows, columns=["plate", "batch", "perturbation", "control_type"]).rename(index="w{:02d}".format)
    return obs, ranking.unit(np.random.default_rng(0).normal(size=(len(obs), 4)))


def naive_precision(positives: list[float], negatives: list[float]) -> float:
    total = 0.0
    for found, score in enumerate(sorted(positives, reverse=True), start=1):
        total += found / (found + sum(n > score for n in negatives) + sum(n == score for n in negatives) / 2)
    return total / len(positives)


@pytest.mark.parametrize("apart", [None, ["X", "X", "Y"]], ids=["any", "batch"])
def test_each_draw_is_the_score_of_the_wells_it_took(apart: list[str] | None) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.integers(-2, 3, size=(15, 3)).astype(np.float32)  # whole numbers: exact products, many ties
    similarity, pools, draws = vectors @ vectors.T, [(2, 3), (1, 4), (1, 4)], 40
    observed, null = permutation.null_scores(similarity, pools, draws=draws, seed=7, apart=apart)
    again = np.random.default_rng(7)
    starts = [0, 5, 10]
    picks = [permutation._pick(t + c, t, draws=draws, rng=again) for t, c in pools]
    expected = []
    for draw in range(draws + 1):
        players = [(plate, starts[plate] + int(m)) for plate in range(3) for m in picks[plate][draw]]
        scores = []
        for place, (plate, query) in enumerate(players):
            partners = [m for i, (p, m) in enumerate(players) if i != place and (apart is None or apart[p] != apart[plate])]
            taken = {m for p, m in players if p == plate}
            negatives = [m for m in range(starts[plate], starts[plate] + sum(pools[plate])) if m not in taken]
            if partners:
                scores.append(naive_precision([similarity[query, m] for m in partners], [similarity[query, m] for m in negatives]))
        expected.append(np.mean(scores))
    np.testing.assert_allclose([observed, *null], expected, atol=1e-12)


@pytest.mark.parametrize("level", ["any", "batch"])
def test_what_is_looked_up_is_what_is_computed_and_the_truth_is_the_score(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    obs, vectors = _wells()
    where = layout(obs, level=level)
    found = permutation.p_values(vectors, where, ["a", "b"], draws=200, seed=0)
    monkeypatch.setattr(permutation, "_SHARED", 0)
    np.testing.assert_array_equal(permutation.p_values(vectors, where, ["a", "b"], draws=200, seed=0), found)
    members, pools, sides = permutation._pools(np.flatnonzero(where.perturbation == "b"), where)
    apart = None if where.apart is None else sides
    observed, _ = permutation.null_scores(vectors[members] @ vectors[members].T, pools, draws=1, seed=0, apart=apart)
    detail = replicates.average_precisions(vectors, where, protocol="plate-controls")
    assert observed == pytest.approx(detail.loc[detail["perturbation"] == "b", "average_precision"].mean(), abs=1e-6)


def test_a_perturbation_without_a_pair_has_no_p_value() -> None:
    obs, vectors = _wells()
    obs["perturbation"] = obs["perturbation"].where(obs["plate"] != "P0", "DMSO").where(obs["control_type"] == "trt", "DMSO")
    obs.loc[obs["plate"] == "P0", "control_type"] = "negcon"
    found = permutation.p_values(vectors, layout(obs.assign(batch="X"), level="batch"), ["a"], draws=20, seed=0)
    assert np.isnan(found).all()


@pytest.mark.parametrize("level", ["any", "batch"])
def test_p_without_a_group_of_controls_is_that_of_the_draws_in_which_none_of_it_plays(level: str) -> None:
    obs, vectors = _wells()
    where, draws = layout(obs, level=level), 300
    batch = {"P0": "X", "P1": "X", "P2": "Y"}
    group = np.full(len(obs), -1)
    for plate, rows in where.controls.items():
        group[rows] = 2 * ["P0", "P1", "P2"].index(plate.split("/")[-1]) + np.arange(len(rows)) % 2
    found = permutation.p_values_without(vectors, where, ["a", "b"], group, draws=draws, seed=5)
    assert found.shape == (2, 6)
    for number, name in enumerate(["a", "b"]):
        own = np.flatnonzero((obs["perturbation"] == name).to_numpy())
        members, pools = [], []
        for plate in ("P0", "P1", "P2"):
            here = own[(obs["plate"].iloc[own] == plate).to_numpy()]
            controls = np.flatnonzero(((obs["plate"] == plate) & (obs["control_type"] == "negcon")).to_numpy())
            members.append([*here, *controls])
            pools.append((len(here), len(controls)))
        again = np.random.default_rng([5, zlib.crc32(name.encode())])
        picks = [permutation._pick(t + c, t, draws=draws, rng=again) for t, c in pools]
        for left in range(6):
            scores = []
            for draw in range(draws + 1):
                players = [(plate, members[plate][m]) for plate in range(3) for m in picks[plate][draw]]
                side = [list(batch.values())[plate] if level == "batch" else row for plate, row in players]
                if any(group[row] == left for _, row in players):
                    continue
                each = []
                for (plate, query), own_side in zip(players, side, strict=True):
                    taken = {row for p, row in players if p == plate}
                    negatives = [row for row in members[plate] if row not in taken and group[row] != left]
                    positives = [row for (_, row), other in zip(players, side, strict=True) if other != own_side]
                    products = vectors @ vectors[query]
                    each.append(naive_precision([products[r] for r in positives], [products[r] for r in negatives]))
                scores.append(np.mean(each))
            p = sum(s >= scores[0] - 1e-9 for s in scores) / len(scores)
            assert found[number, left] == pytest.approx(p)


def test_the_p_of_a_perturbation_is_its_own_whatever_is_tested_beside_it_and_draws_are_not_shared() -> None:
    obs, vectors = _wells()
    where = layout(obs, level="any")
    both = permutation.p_values(vectors, where, ["a", "b"], draws=300, seed=1)
    assert permutation.p_values(vectors, where, ["b"], draws=300, seed=1)[0] == both[1]
    # Twins with the same wells under two names: the same statistic, other draws.
    twins = pd.concat([obs, obs.assign(perturbation=obs["perturbation"].replace("a", "z"))[(obs["perturbation"] == "a").to_numpy()]])
    rows = np.concatenate([vectors, vectors[(obs["perturbation"] == "a").to_numpy()]])
    first, second = permutation.p_values(
        rows, layout(twins.reset_index(drop=True).rename(index=str), level="any"), ["a", "z"], draws=300, seed=1
    )
    assert first != second
    assert first == pytest.approx(second, abs=0.12)


@pytest.mark.parametrize("wells", [True, False], ids=["wells", "names of rows"])
def test_the_order_of_the_rows_changes_no_p_value(wells: bool) -> None:
    table = screen(perturbations=10, active=4, controls=12, effect=0.6, wells=2, whole=True, scrambled=True)
    table.obs = table.obs if wells else table.obs.drop(columns="well")
    shuffled = table[np.random.default_rng(3).permutation(table.n_obs)].copy()
    first, second = (replicates.evaluate(each, draws=99, shuffles=29) for each in (table, shuffled))
    assert first.per_group["p_value"].nunique() > 5
    pd.testing.assert_frame_equal(first.per_group, second.per_group, rtol=1e-5)
    pd.testing.assert_frame_equal(first.scores, second.scores, rtol=1e-5)
