"""Percent replicating against a plain loop, its null under shuffled labels, and what cannot be compared."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.screens import screen
from tests.evaluation.small import plates

from impasto.evaluation import percent_replicating
from impasto.evaluation.percent_replicating import evaluate
from impasto.evaluation.replicate_sets import replicate_sets
from impasto.schema import InputError


def naive_median(x: np.ndarray) -> float:
    return float(np.median([np.corrcoef(a, b)[0, 1] for a, b in itertools.combinations(x.astype(np.float64), 2)]))


def test_medians_thresholds_and_the_share_are_those_of_a_plain_loop() -> None:
    data = screen(perturbations=16, active=6, width=12, effect=2.5)
    result = evaluate(data, draws=4000, shuffles=99)
    per = result.per_group.set_index("perturbation")
    obs = data.obs
    for name in ("p00", "p03", "p12"):
        assert per.loc[name, "median_correlation"] == pytest.approx(
            naive_median(data.X[(obs["perturbation"] == name).to_numpy()]), abs=1e-5
        )
    rng = np.random.default_rng(5)
    treated = [np.flatnonzero(((obs["plate"] == p) & (obs["control_type"] == "trt")).to_numpy()) for p in ("P0", "P1", "P2")]
    null = []
    while len(null) < 1500:
        own = [int(rng.choice(r)) for r in treated]
        if obs["perturbation"].iloc[own].nunique() == 3:
            null.append(naive_median(data.X[own]))
    assert per["threshold"].to_numpy() == pytest.approx(np.quantile(null, 0.95), abs=0.05)
    assert (per["replicating"] == (per["median_correlation"] > per["threshold"])).all()
    score = rows(result)[0]
    assert score.value == per["replicating"].mean()
    assert (score.chance, score.n, score.clusters, score.interval) == (0.05, 16, 16, "jackknife")
    assert score.low < score.value < score.high  # type: ignore[operator]
    assert per["replicating"][:6].mean() > 0.6


def test_null_sets_hold_different_compounds_on_the_plates_of_their_perturbation(monkeypatch: pytest.MonkeyPatch) -> None:
    data = screen(perturbations=12, wells=2, plates=2)
    seen = {}

    def kept(*given: object, **named: object) -> dict:
        seen["sets"], seen["nulls"] = given[0], real(*given, **named)
        return seen["nulls"]

    real = percent_replicating._null_sets
    monkeypatch.setattr(percent_replicating, "_null_sets", kept)
    evaluate(data, draws=200, shuffles=0, with_baselines=False)
    (drawn,) = seen["nulls"].values()
    assert drawn.shape == (200, 4)
    for own in drawn:
        assert data.obs["perturbation"].iloc[own].nunique() == 4
        assert data.obs["plate"].iloc[own].tolist() == ["P0", "P0", "P1", "P1"]


def test_where_nothing_replicates_one_in_twenty_does() -> None:
    shares, p = [], []
    for seed in range(30):
        scores = rows(evaluate(screen(seed=seed, perturbations=30, width=6), shuffles=99, seed=seed, with_baselines=False))
        shares.append(scores[0].value)
        p.append(scores[0].p_chance)
    assert np.mean(shares) == pytest.approx(0.05, abs=3 * 0.04 / np.sqrt(30))
    assert np.mean(np.array(p) <= 0.1) <= 0.28


def test_a_plate_effect_is_no_replication() -> None:
    data = screen(perturbations=30, width=8, plates=2, wells=2)
    data.X[(data.obs["plate"] == "P1").to_numpy(), :4] += 30
    assert rows(evaluate(data, shuffles=0))[0].value < 0.2


def test_doses_of_a_compound_are_one_unit_and_baselines_stand_beside() -> None:
    data = screen(perturbations=20, plates=4, active=20)
    data.obs["concentration"] = np.where(data.obs["plate"].isin(["P0", "P1"]), 1.0, 10.0)
    result = evaluate(data, shuffles=0)
    score = rows(result)[0]
    assert (score.n, score.clusters, score.interval) == (40, 20, "jackknife")
    assert rows(evaluate(data, pool_doses=True, shuffles=0))[0].n == 20
    groups = set(result.scores["group"])
    assert {"profiles", "position only", "shuffled labels"} <= groups
    assert rows(evaluate(screen(plates=3), shuffles=0))[2].group == "position only"


def test_many_wells_give_the_same_without_all_correlations(monkeypatch: pytest.MonkeyPatch) -> None:
    data = screen(active=8)
    before = evaluate(data, shuffles=0)
    monkeypatch.setattr(percent_replicating, "MOST_KEPT", 3)
    monkeypatch.setattr(percent_replicating, "_BLOCK", 64)
    after = evaluate(data, shuffles=99)
    np.testing.assert_allclose(before.per_group["median_correlation"], after.per_group["median_correlation"], atol=1e-6)
    assert rows(after)[0].p_chance is None


def test_constant_features_replicate_nothing_and_what_cannot_be_asked_is_a_sentence() -> None:
    data = screen()
    data.X[:] = 1
    assert rows(evaluate(data, shuffles=9))[0].value == 0
    with pytest.raises(InputError, match="2 wells or more, and the largest has 1"):
        evaluate(screen(plates=1))
    one = plates()
    one.obs.loc[one.obs["control_type"] == "trt", "perturbation"] = "a"
    with pytest.raises(InputError, match="no plate holds wells of different compounds"):
        evaluate(one)
    with pytest.raises(InputError, match="draws is 19; the 95th percentile of a null needs 20 or more"):
        evaluate(plates(), draws=19)
    assert len(evaluate(screen(), draws=20, shuffles=0, with_baselines=False).per_group) > 0


def test_a_compound_leaves_the_null_sets_too() -> None:
    data = screen(perturbations=24, active=8, width=8, effect=0.8)
    result = evaluate(data, shuffles=0, draws=400, with_baselines=False)
    score = rows(result)[0]
    assert score.interval == "jackknife"
    sets = replicate_sets(data.obs, task="t", pool_doses=False, least=2, with_controls=False)
    null = percent_replicating._null_sets(sets, draws=400, seed=0)[(0, 1, 2)]
    x = data.X.astype(np.float64)

    def median(own: np.ndarray) -> float:
        return float(np.median([np.corrcoef(x[a], x[b])[0, 1] for i, a in enumerate(own) for b in own[i + 1 :]]))

    of_null, of_set = np.array([median(own) for own in null]), np.array([median(own) for own in sets.members])
    group = sets.units.groups(seed=0)
    names = data.obs["perturbation"].astype(str).to_numpy()
    expected = []
    for left in range(20):
        gone = {name for name, g in zip(sets.names, group, strict=True) if g == left}
        kept = np.array([not gone & set(names[own]) for own in null])
        threshold = np.quantile(of_null[kept], 0.95)
        expected.append(np.mean(of_set[group != left] > threshold + 1e-6))
    left_out = result.left_out
    assert left_out.loc[left_out["part"] == 0, "value"].tolist() == pytest.approx(expected)


def test_the_order_of_the_rows_changes_no_threshold() -> None:
    data = screen(perturbations=8, active=3, width=6, wells=2, controls=2, spared=0, scrambled=True)
    shuffled = data[np.random.default_rng(3).permutation(data.n_obs)].copy()
    first, second = (evaluate(each, draws=300, shuffles=19, with_baselines=False).per_group for each in (data, shuffled))
    assert second["threshold"].to_numpy() == pytest.approx(first["threshold"].to_numpy(), rel=1e-5)
    assert second["p_value"].tolist() == first["p_value"].tolist()
