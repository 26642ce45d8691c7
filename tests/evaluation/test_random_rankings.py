"""The null of random rankings against lists of all of them, and against draws."""

from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from impasto import ranking
from impasto.evaluation import copairs, random_rankings


def every(positives: int, total: int) -> np.ndarray:
    """The average precision of every ranking, straight from the definition."""
    sets = combinations(range(1, total + 1), positives)
    return np.array([sum(k / place for k, place in enumerate(places, start=1)) / positives for places in sets])


def listed_tail(observed: np.ndarray, shapes: list[tuple[int, int]], weights: list[float], *, lower: float = 0.0) -> np.ndarray:
    """P(mean >= observed - lower) over every combination of rankings."""
    means = np.array([np.dot(weights, values) for values in product(*(every(*shape) for shape in shapes))])
    return np.array([(means >= x - lower - 1e-12).mean() for x in observed])


@pytest.mark.parametrize(("positives", "totals"), [(1, [1, 4, 9]), (2, [2, 3, 12]), (4, [9, 11]), (7, [8, 10])])
@pytest.mark.parametrize("s", [3.0, -2.0, 9.0j])
def test_transforms_are_means_over_all_rankings(positives: int, totals: list[int], s: complex) -> None:
    found = random_rankings.transforms(np.array([s, s / 3]), positives, totals)
    expected = [[np.exp(x * every(positives, total)).mean() for x in (s, s / 3)] for total in totals]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("positives", "total"), [(1, 5), (2, 9), (3, 8), (6, 7)])
def test_listed_precisions_are_those_of_the_definition(positives: int, total: int) -> None:
    np.testing.assert_allclose(random_rankings.precisions(positives, total), every(positives, total), rtol=1e-14)


@pytest.mark.parametrize(
    ("shapes", "weights"),
    [([(1, 5)], [1.0]), ([(1, 5), (1, 7)], [0.5, 0.5]), ([(2, 7), (1, 6)], [0.75, 0.25]), ([(3, 10)], [1.0]), ([(4, 5)], [1.0])],
)
def test_a_coarse_null_counts_ties_and_errs_by_a_step_at_most(shapes: list[tuple[int, int]], weights: list[float]) -> None:
    values = [np.dot(weights, v) for v in product(*(every(*shape) for shape in shapes))]
    observed = np.unique([*values, 0.0, 1.0, *np.random.default_rng(0).uniform(0, 1, 50)])
    found = random_rankings.upper_tail(observed, np.array(shapes), np.array(weights))
    floor = random_rankings.TOLERANCE
    assert (found >= np.maximum(listed_tail(observed, shapes, weights), floor) - 1e-12).all()
    assert (found <= np.maximum(listed_tail(observed, shapes, weights, lower=1 / random_rankings.STEPS), floor) + 1e-12).all()
    np.testing.assert_allclose(
        random_rankings.upper_tail(np.ones(1), np.array(shapes), np.array(weights)), 1 / np.prod([comb(n, p) for p, n in shapes])
    )


@pytest.mark.parametrize("shape", [(5, 24), (9, 21), (4, 40)])
def test_a_blurred_null_lies_between_those_of_means_six_sd_apart(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Few sets of places, made to take the way of many."""
    monkeypatch.setattr(random_rankings, "_MOST_LISTED", 0)
    observed, values = np.linspace(0.05, 0.95, 181), np.sort(every(*shape))
    found = random_rankings.upper_tail(observed, np.array([shape]), np.ones(1))
    for sign, ok in ((1, np.greater_equal), (-1, np.less_equal)):
        bound = 1 - np.searchsorted(values, observed + sign * 6 * random_rankings.BLUR) / len(values)
        assert ok(found, bound - sign * 2 * random_rankings.TOLERANCE).all()
    assert np.abs(found - (1 - np.searchsorted(values, observed) / len(values))).max() < 2e-3


def test_a_fine_null_is_that_of_all_rankings() -> None:
    """Three rankings of 3 among 14 to 16: 90 million combinations, listed by halves."""
    shapes = [(3, 14), (3, 15), (3, 16), (4, 16)]
    weights = np.array([0.2, 0.3, 0.25, 0.25])
    one, other = (
        np.sort(np.add.outer(weights[a] * every(*shapes[a]), weights[b] * every(*shapes[b])).ravel()) for a, b in ((0, 1), (2, 3))
    )
    observed = np.linspace(0.2, 0.7, 11)
    some = one[:: len(one) // 2000]
    expected = [1 - np.searchsorted(other, x - some).mean() / len(other) for x in observed]
    np.testing.assert_allclose(random_rankings.upper_tail(observed, np.array(shapes), weights), expected, atol=1e-3)


@pytest.mark.parametrize(("positives", "total"), [(19, 83), (9, 60), (12, 400)])
def test_a_fine_null_agrees_with_draws(positives: int, total: int) -> None:
    draws = np.sort(copairs.random_precisions(200_000, positives, total, 3).astype(np.float64))
    observed = np.quantile(draws, [0.001, 0.05, 0.5, 0.95, 0.99, 0.999])
    expected = 1 - np.searchsorted(draws, observed) / len(draws)
    found = random_rankings.upper_tail(observed, np.array([[positives, total]]), np.ones(1))
    np.testing.assert_array_less(np.abs(found - expected), 5 * np.sqrt(found * (1 - found) / len(draws)) + 1e-5)


def test_the_mean_of_the_null_is_chance() -> None:
    """E[AP] is the area under its upper tail."""
    at = (np.arange(2000) + 0.5) / 2000
    tail = random_rankings.upper_tail(at, np.array([[9, 50]]), np.ones(1))
    assert tail.mean() == pytest.approx(ranking.chance_average_precision(9, 41), abs=1e-5)
    assert (np.diff(tail) <= 1e-7).all()


def test_totals_far_apart_and_many_positives_stay_in_range() -> None:
    found = random_rankings.upper_tail(np.array([0.0, 0.5, 1.0]), np.array([[300, 350], [300, 9000]]), np.full(2, 0.5))
    assert found[0] == pytest.approx(1, abs=1e-6)
    assert found[2] == random_rankings.TOLERANCE
    assert np.isfinite(found).all()


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), min_size=1, max_size=2), st.integers(0, 2**31))
def test_the_upper_tail_is_a_count_over_every_combination_of_rankings(shapes: list[tuple[int, int]], seed: int) -> None:
    """The plain twin in two lines: all means of all rankings, and the share of them at or above."""
    sizes = [(p, p + q) for p, q in shapes]
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(sizes)))
    means = np.array([np.dot(weights, values) for values in product(*(every(*size) for size in sizes))])
    observed = np.unique(np.round([*means, 0.5], 6))
    found = random_rankings.upper_tail(observed, np.array(sizes), weights)
    step = 0 if len(sizes) == 1 else 1 / random_rankings.STEPS
    assert (found >= [(means >= x + 1e-8).mean() - 1e-12 for x in observed]).all()
    assert (found <= [max((means >= x - step - 1e-8).mean(), random_rankings.TOLERANCE) + 1e-12 for x in observed]).all()


@given(st.integers(1, 5), st.integers(0, 6), st.complex_numbers(max_magnitude=6, allow_nan=False))
def test_the_transform_is_a_mean_over_all_rankings(positives: int, more: int, s: complex) -> None:
    found = random_rankings.transforms(np.array([s]), positives, [positives + more])[0, 0]
    assert found == pytest.approx(np.exp(s * every(positives, positives + more)).mean(), rel=1e-9, abs=1e-12)


def test_a_step_is_blurred_by_a_gaussian_of_the_sd_that_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    """One positive of three has a mean of 1, 1/2 or 1/3, each as likely: a step of a third at one half."""
    monkeypatch.setattr(random_rankings, "_MOST_LISTED", 0)
    away = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    found = random_rankings.upper_tail(0.5 + away * random_rankings.BLUR, np.array([(1, 3)]), np.ones(1))
    np.testing.assert_allclose(found, 1 / 3 + norm.sf(away) / 3, atol=1e-4)
