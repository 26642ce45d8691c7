"""The jackknife beside formulas for the mean, a plain loop for the pairs' term, and the truth of simulated scores."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from impasto.statistics import jackknife
from impasto.statistics.jackknife import LeftOut


def test_the_jackknife_of_a_mean_is_s_squared_over_n() -> None:
    values = np.random.default_rng(0).normal(size=15)
    left = jackknife.leave_out(lambda keep: float(values[keep].mean()), 15, seed=3, pairs=False)
    assert jackknife.variance(left) == pytest.approx(values.var(ddof=1) / 15, rel=1e-12)
    # A mean has no pairs' term: leaving out pairs changes nothing.
    with_pairs = jackknife.leave_out(lambda keep: float(values[keep].mean()), 15, seed=3)
    assert jackknife.variance(with_pairs) == pytest.approx(jackknife.variance(left), rel=1e-9)


def test_units_are_dealt_evenly_and_by_the_seed() -> None:
    assert np.bincount(jackknife.deal(45, seed=1)).tolist() == [3] * 5 + [2] * 15
    assert jackknife.deal(7, seed=1).tolist() != list(range(7))
    assert sorted(jackknife.deal(7, seed=1)) == list(range(7))
    assert (jackknife.deal(45, seed=1) == jackknife.deal(45, seed=1)).all()
    assert (jackknife.deal(45, seed=1) != jackknife.deal(45, seed=2)).any()


def test_the_pairs_term_is_that_of_plain_loops() -> None:
    values = np.random.default_rng(1).normal(size=(12, 3))

    def score(keep: np.ndarray) -> float:
        kept = values[keep]
        return float(np.mean([kept[i] @ kept[j] for i in range(len(kept)) for j in range(i)]))

    left = jackknife.leave_out(score, 12, seed=0)
    group = jackknife.deal(12, seed=0)
    theta = score(np.ones(12, dtype=bool))
    single = {g: score(group != g) for g in range(12)}
    pair = {(g, h): score((group != g) & (group != h)) for g, h in itertools.combinations(range(12), 2)}
    mean = sum(single.values()) / 12
    plain = 11 / 12 * sum((t - mean) ** 2 for t in single.values())
    q = [12 * theta - 11 * (single[g] + single[h]) + 10 * pair[g, h] for g, h in pair]
    term = sum((x - sum(q) / len(q)) ** 2 for x in q) / (12 * 13)
    assert jackknife.variance(left) == pytest.approx(max(plain - term / 2, plain / 2), rel=1e-9)
    assert term > 0


def test_few_units_and_undefined_scores_give_no_interval_and_the_reason() -> None:
    few = jackknife.of_score(jackknife.leave_out(lambda keep: 0.5, 5, seed=0, pairs=False), unit="plate")
    assert (few.low, few.high, few.clusters) == (None, None, 5)
    assert "5 units (plate); 6 are needed" in few.why
    single = np.array([0.5] * 7 + [np.nan] * 3)
    holes = jackknife.of_score(LeftOut(0.5, single, None, 10), unit="class")
    assert holes.low is None
    assert "without 3 of 10 groups" in holes.why


def test_a_missing_group_is_dropped_and_the_degrees_of_freedom_fall() -> None:
    single = np.array([0.4, 0.5, 0.6, 0.5, 0.45, 0.55, 0.5, 0.5, 0.5, np.nan])
    found = jackknife.of_score(LeftOut(0.5, single, None, 10), unit="class", share=False)
    kept = single[:-1]
    assert found.df == 8
    assert found.high == pytest.approx(0.5 + 2.306004 * np.sqrt(8 / 9 * ((kept - kept.mean()) ** 2).sum()), abs=1e-5)


def test_variances_of_two_kinds_of_units_add() -> None:
    rng = np.random.default_rng(2)
    one, two = LeftOut(0.5, 0.5 + 0.01 * rng.normal(size=20), None, 40), LeftOut(0.5, 0.5 + 0.02 * rng.normal(size=8), None, 8)
    both = jackknife.of_score([one, two], unit="compound and gene", share=False)
    reach = 2.364624 * np.sqrt(jackknife.variance(one) + jackknife.variance(two))
    assert both.df == 7
    assert both.high == pytest.approx(0.5 + reach, abs=1e-5)


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(3)
    common = rng.normal(size=30)
    better = common + 0.1 + 0.01 * rng.normal(size=30)
    first = jackknife.leave_out(lambda keep: float(better[keep].mean()), 30, seed=0, pairs=False)
    second = jackknife.leave_out(lambda keep: float(common[keep].mean()), 30, seed=0, pairs=False)
    paired = jackknife.difference(first, second, unit="compound")
    assert paired.low is not None
    assert paired.high is not None
    assert 0.09 < paired.low < 0.1 < paired.high < 0.115
    alone = jackknife.of_score(first, unit="compound", share=False)
    assert alone.low is not None
    assert alone.high is not None
    assert alone.high - alone.low > 20 * (paired.high - paired.low)


@pytest.mark.parametrize("planted", [0.0, 0.4])
def test_it_covers_the_truth_of_a_score_of_pairs(planted: float) -> None:
    """Mean cosine of pairs of one class: 95 of 100 intervals should hold its expectation; 88 is three errors below."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(8, 10))

    def drawn() -> tuple[np.ndarray, np.ndarray]:
        label = np.repeat(np.arange(8), 5)
        values = planted * centres[label] + rng.normal(size=(40, 10))
        return values / np.linalg.norm(values, axis=1, keepdims=True), label

    def score(values: np.ndarray, label: np.ndarray, keep: np.ndarray) -> float:
        cosine = values[keep] @ values[keep].T
        same = (label[keep][:, None] == label[keep][None, :]) & ~np.eye(keep.sum(), dtype=bool)
        return float(cosine[same].mean())

    truth = np.mean([score(*drawn(), np.ones(40, dtype=bool)) for _ in range(2000)])
    held = 0
    for run in range(100):
        values, label = drawn()
        left = jackknife.leave_out(lambda keep, v=values, l=label: score(v, l, keep), 40, seed=run)
        found = jackknife.of_score(left, unit="compound", share=False)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 88


def test_a_paired_difference_of_two_kinds_of_units_adds_their_variances() -> None:
    rng = np.random.default_rng(5)
    parts = [[LeftOut(whole, whole + 0.1 * rng.normal(size=8), None, 8) for _ in range(2)] for whole in (0.6, 0.4)]
    expected = 0.0
    for one, other in zip(*parts, strict=True):
        steps = one.single - other.single
        expected += 7 / 8 * float(((steps - steps.mean()) ** 2).sum())
    paired = jackknife.difference(*parts, unit="compound and gene")
    assert paired.low is not None
    assert paired.high is not None
    assert (paired.high - paired.low) / 2 == pytest.approx(stats.t.ppf(0.975, 7) * np.sqrt(expected))
    assert (paired.high + paired.low) / 2 == pytest.approx(0.2)


def test_strata_of_one_kind_add_their_degrees_of_freedom_in_a_paired_difference() -> None:
    """Twenty groups of compounds, and controls on three plates in eight groups each: 19 degrees of freedom, not seven."""
    rng = np.random.default_rng(6)

    def parts(whole: float) -> list[LeftOut]:
        compounds = LeftOut(whole, whole + 0.02 * rng.normal(size=20), None, 60)
        return [compounds, *(LeftOut(whole, whole + 0.02 * rng.normal(size=8), None, 16, "control well") for _ in range(3))]

    first, second = parts(0.6), parts(0.4)
    expected = 0.0
    for one, other in zip(first, second, strict=True):
        steps = one.single - other.single
        expected += (len(steps) - 1) / len(steps) * float(((steps - steps.mean()) ** 2).sum())
    paired = jackknife.difference(first, second, unit="compound and control well")
    assert (paired.df, paired.clusters) == (19, 48)
    assert paired.low is not None
    assert paired.high is not None
    assert (paired.high - paired.low) / 2 == pytest.approx(stats.t.ppf(0.975, 19) * np.sqrt(expected))
    # Where the parts do not say that they are strata, each is a kind by itself.
    apart = jackknife.difference([replace(p, stratum_of="") for p in first], second, unit="x")
    assert apart.df == 7


def test_a_score_that_few_units_make_gets_two_degrees_of_freedom_of_the_largest_variance() -> None:
    gains = np.array([1.0, 0.5, *[0.05] * 18])
    left = jackknife.leave_out(lambda keep: float(gains[keep].mean()), 20, seed=0, pairs=False)
    found = jackknife.of_score(left, unit="pair", few_count=True)
    mean = gains.mean()
    spread = (19 * gains.var(ddof=1) / 20 + 2 * mean * (1 - mean) / 20) / 21
    reach = stats.t.ppf(0.975, 19) * np.sqrt(spread) / (mean * (1 - mean))
    middle = np.log(mean / (1 - mean))
    assert found.low == pytest.approx(1 / (1 + np.exp(-(middle - reach))))
    assert found.high == pytest.approx(1 / (1 + np.exp(-(middle + reach))))
    assert found.df == 19


def test_chance_is_covered_by_a_mean_reciprocal_rank() -> None:
    """Sixty ranks drawn at random, 400 times: .95 should be held, .93 less three errors is .892; without the allowance it is .88."""
    rng = np.random.default_rng(8)
    truth = (1 / np.arange(1, 61)).mean()
    held = 0
    for run in range(400):
        gains = 1 / rng.integers(1, 61, 60)
        left = jackknife.leave_out(lambda keep, g=gains: float(g[keep].mean()), 60, seed=run, pairs=False)
        found = jackknife.of_score(left, unit="pair", few_count=True)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 372


def test_the_variance_of_two_groups_is_known_and_of_one_is_not() -> None:
    assert jackknife.variance(LeftOut(0.5, np.array([0.4, 0.6]), None, 2)) == pytest.approx(0.01)  # 1/2 of (.1² + .1²)
    assert np.isnan(jackknife.variance(LeftOut(0.5, np.array([0.4, np.nan]), None, 2)))
