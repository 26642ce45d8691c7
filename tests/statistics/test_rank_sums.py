"""The exact rank-sum test over plates against counting every choice of treated wells, and against scipy on one plate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from impasto.statistics import rank_sums


def two_sided(sides: list[tuple[np.ndarray, np.ndarray]]) -> float:
    counted = [rank_sums.counts(t[:, None], c[:, None]) for t, c in sides]
    below, up_to = (np.array([sum(part[i].sum() for part in counted)]) for i in (0, 1))
    return float(rank_sums.p_values(below, up_to, [(len(t), len(c)) for t, c in sides])[0])


def naive(sides: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Twice the smaller tail of U among all choices of treated wells, plate by plate."""

    def u(t: list[float], c: list[float]) -> int:
        return sum(a > b for a in t for b in c)

    of_plate = []
    for t, c in sides:
        every = [*t, *c]
        of_plate.append(
            [u([every[i] for i in own], [every[i] for i in range(len(every)) if i not in own]) for own in
             itertools.combinations(range(len(every)), len(t))]
        )  # fmt: skip
    sums = np.array([sum(parts) for parts in itertools.product(*of_plate)])
    return float(min(1.0, 2 * min((sums >= sums[0]).mean(), (sums <= sums[0]).mean())))


@pytest.mark.parametrize("seed", range(6))
def test_p_is_that_of_all_choices_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = [(rng.normal(size=k) + 0.7, rng.normal(size=c)) for k, c in ((1, 5), (2, 4), (1, 3))]
    assert two_sided(sides) == pytest.approx(naive(sides))


def test_one_plate_is_mann_and_whitneys_exact_test() -> None:
    rng = np.random.default_rng(3)
    treated, controls = rng.normal(size=4) + 0.5, rng.normal(size=9)
    assert two_sided([(treated, controls)]) == pytest.approx(stats.mannwhitneyu(treated, controls, method="exact").pvalue)


def test_ties_never_make_p_smaller_than_any_way_to_break_them() -> None:
    treated, controls = np.array([1.0, 2.0]), np.array([1.0, 1.0, 0.0, 2.0, 0.5])
    broken = [
        two_sided([(treated + 1e-6 * a, controls + 1e-6 * b)])
        for a, b in [(np.array([1, 1]), np.zeros(5)), (np.zeros(2), np.ones(5)), (np.array([0.3, -1]), np.arange(5))]
    ]
    assert two_sided([(treated, controls)]) >= max(broken) - 1e-12
    assert two_sided([(np.ones(3), np.ones(6))]) == 1


def test_the_floor_is_reached_by_the_most_extreme_wells() -> None:
    pools = [(1, 12), (1, 12)]
    sides = [(np.array([9.0]), np.arange(12) / 2.0)] * 2
    assert rank_sums.floor(pools) == pytest.approx(2 / 169)
    assert two_sided(sides) == pytest.approx(2 / 169)


def test_with_many_pairs_the_normal_distribution_is_near_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sides = [(rng.normal(size=10) + 0.3, rng.normal(size=30)) for _ in range(3)]
    exact = two_sided(sides)
    monkeypatch.setattr(rank_sums, "MOST_EXACT", 10)
    assert two_sided(sides) == pytest.approx(exact, rel=0.15)


def test_p_is_uniform_or_larger_where_nothing_differs() -> None:
    rng = np.random.default_rng(0)
    counted = [rank_sums.counts(rng.normal(size=(1, 4000)), rng.normal(size=(14, 4000))) for _ in range(3)]
    p = rank_sums.p_values(sum(c[0].sum(axis=0) for c in counted), sum(c[1].sum(axis=0) for c in counted), [(1, 14)] * 3)
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level / 4000)
    assert (p <= 0.05).mean() > 0.03


@pytest.mark.parametrize("treated", [1, 8, 9, 20])
def test_few_wells_and_many_are_counted_alike(treated: int) -> None:
    rng = np.random.default_rng(treated)
    wells, controls = rng.integers(0, 5, (treated, 7)).astype(float), rng.integers(0, 5, (12, 7)).astype(float)
    below, up_to = rank_sums.counts(wells, controls)
    np.testing.assert_array_equal(below, (controls[None] < wells[:, None]).sum(axis=1))
    np.testing.assert_array_equal(up_to, (controls[None] <= wells[:, None]).sum(axis=1))


def test_the_normal_distribution_has_mann_and_whitneys_variance_and_is_asked_half_a_pair_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two plates: k c (k + c + 1) / 12 each; U of 20 pairs of 26, 13 by chance."""
    monkeypatch.setattr(rank_sums, "MOST_EXACT", 0)
    deviation = ((2 * 4 * 7 + 3 * 6 * 10) / 12) ** 0.5
    p = rank_sums.p_values(np.array([20.0, 6.0]), np.array([20.0, 6.0]), [(2, 4), (3, 6)])
    np.testing.assert_allclose(p, 2 * stats.norm.sf((20 - 13 - 0.5) / deviation))
