"""Orderings counted by hand, ties, early stopping, and p-values that are valid where orderings are drawn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from impasto.statistics import permutation
from impasto.statistics.permutation import length_of_shift, orderings, p_value


def naive(sides: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """T and the share of orderings that reach it, one ordering at a time."""
    choices = [list(itertools.combinations(range(len(t) + len(c)), len(t))) for t, c in sides]
    lengths = []
    for ordering in itertools.product(*choices):
        total = np.zeros(sides[0][0].shape[1])
        for (treated, controls), chosen in zip(sides, ordering, strict=True):
            rows = [*treated, *controls]
            inside = [rows[i] for i in chosen]
            outside = [rows[i] for i in range(len(rows)) if i not in chosen]
            total = total + sum(inside) / len(inside) - sum(outside) / len(outside)
        lengths.append(math.sqrt(sum(total**2)) / len(sides))
    return lengths[0], sum(length >= lengths[0] * (1 - 1e-9) for length in lengths) / len(lengths)


def test_two_plates_of_two_controls_by_hand() -> None:
    """One treated well and two controls a plate: nine orderings. Treated wells lie at 3, controls at 0 and 1 and at 0 and -1."""
    sides = [(np.array([[3.0]]), np.array([[0.0], [1.0]])), (np.array([[3.0]]), np.array([[0.0], [-1.0]]))]
    # Shifts of the first plate: 3 - .5 = 2.5, 0 - 2 = -2, 1 - 1.5 = -.5; of the second: 3 + .5 = 3.5, 0 - 1 = -1, -1 - 1.5 = -2.5.
    # |sum|: 6, 1.5, 0, 1.5, 3, 4.5, 3, 1.5, 3: the true one alone reaches 6.
    tested = length_of_shift(sides, most_draws=10, seed=0)
    assert tested.p == pytest.approx(1 / 9)
    assert (tested.statistic, tested.floor, tested.exact) == (pytest.approx(3.0), pytest.approx(1 / 9), True)
    # With the treated well of the first plate in the middle, |sum| is .5 - 0 = 0 there: 3.5, and 4.5 and others exceed it.
    lower = length_of_shift([(np.array([[0.5]]), np.array([[0.0], [1.0]])), sides[1]], most_draws=10, seed=0)
    assert lower.p == pytest.approx(naive([(np.array([[0.5]]), np.array([[0.0], [1.0]])), sides[1]])[1])


@pytest.mark.parametrize("shape", [[(2, 3)], [(1, 4), (2, 2)], [(1, 2), (1, 3), (2, 2)]])
def test_every_ordering_is_counted_once(shape: list[tuple[int, int]]) -> None:
    rng = np.random.default_rng(3)
    sides = [(rng.normal(size=(k, 4)) + 0.7, rng.normal(size=(c, 4))) for k, c in shape]
    tested = length_of_shift(sides, most_draws=10, seed=0)
    assert (tested.statistic, tested.p) == pytest.approx(naive(sides))
    assert tested.floor == pytest.approx(1 / math.prod(math.comb(k + c, k) for k, c in shape))
    assert orderings(shape) == math.prod(math.comb(k + c, k) for k, c in shape)


def test_ties_count() -> None:
    sides = [(np.ones((1, 2)), np.ones((3, 2)))]
    assert length_of_shift(sides, most_draws=10, seed=0).p == 1.0


def test_beyond_the_limit_orderings_are_drawn_until_twenty_exceed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sides = [(rng.normal(size=(2, 3)) + 0.4, rng.normal(size=(5, 3))) for _ in range(2)]
    exact = length_of_shift(sides, most_draws=10, seed=0)
    monkeypatch.setattr(permutation, "MOST_ORDERINGS", 10)
    drawn = [length_of_shift(sides, most_draws=100_000, seed=seed) for seed in range(30)]
    assert not any(result.exact for result in drawn)
    assert [result.statistic for result in drawn] == pytest.approx([exact.statistic] * 30)
    # p = 20 / draws: twenty exceedances give a relative error of 1/sqrt(20) each.
    assert np.mean([result.p for result in drawn]) == pytest.approx(exact.p, rel=0.15)
    assert all(20 / result.p == pytest.approx(round(20 / result.p)) for result in drawn)
    assert drawn[0].floor == pytest.approx(1 / 100_001)


def test_drawing_stops_at_the_twentieth_that_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "MOST_ORDERINGS", 1)
    assert length_of_shift([(np.ones((1, 2)), np.ones((3, 2)))], most_draws=5000, seed=0).p == 1.0


def test_a_budget_that_is_spent_gives_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "MOST_ORDERINGS", 1)
    sides = [(np.full((2, 1), 50.0), np.random.default_rng(0).normal(size=(30, 1)))]
    tested = length_of_shift(sides, most_draws=1500, seed=0)
    # One of 496 pairs is the true one: it is drawn about three times in 1,500.
    assert 1 / 1501 <= tested.p < 20 / 1501


def test_drawn_p_values_are_valid_on_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "MOST_ORDERINGS", 1)
    rng = np.random.default_rng(1)
    p = [length_of_shift([(rng.normal(size=(2, 3)), rng.normal(size=(8, 3)))], most_draws=400, seed=i).p for i in range(400)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) < level + 3 * np.sqrt(level * (1 - level) / 400)


def test_the_p_value_counts_ties_and_the_observed_one() -> None:
    assert p_value(0.5, np.array([0.5, 0.4, 0.6, 0.5 - 1e-12])) == pytest.approx(4 / 5)
    assert p_value(1.0, np.zeros(9)) == pytest.approx(1 / 10)
