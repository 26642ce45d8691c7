"""Choices counted by hand, drawn to the same p, ties on the safe side."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from impasto.statistics.choices import of_choices, without_groups


def test_all_choices_of_two_plates_are_counted_by_hand() -> None:
    values = np.random.default_rng(0).normal(size=9)
    values[0] += 1
    pools = [(1, 3), (2, 3)]

    def statistic(chosen: np.ndarray) -> np.ndarray:
        return values[chosen].sum(axis=1)

    test = of_choices(pools, statistic, most_draws=99, seed=0)
    every = [values[[a, *pair]].sum() for a in range(4) for pair in itertools.combinations(range(4, 9), 2)]
    truth = values[[0, 4, 5]].sum()
    assert len(every) == 40
    assert test.exact
    assert test.statistic == pytest.approx(truth)
    assert test.p == pytest.approx(np.mean([v >= truth - 1e-12 for v in every]))
    assert test.floor == 1 / 40


def test_drawn_choices_come_to_the_counted_p_and_blocks_change_nothing() -> None:
    values = np.random.default_rng(1).normal(size=26)
    values[:2] += 0.8
    pools = [(1, 12), (1, 12)]
    where = np.r_[0, 2:14, 1, 14:26]

    def statistic(chosen: np.ndarray) -> np.ndarray:
        return np.abs(values[where][chosen].sum(axis=1))

    counted = of_choices(pools, statistic, most_draws=99, seed=0)
    assert counted.exact
    drawn = [of_choices(pools, statistic, most_draws=20_000, seed=seed, most_counted=10).p for seed in range(40)]
    assert np.mean(drawn) == pytest.approx(counted.p, rel=0.15)
    rare = of_choices(pools, lambda chosen: (chosen == [0, 13]).all(axis=1).astype(float), most_draws=150, seed=0, most_counted=10)
    assert rare.floor == 1 / 151
    assert 1 / 151 <= rare.p < 0.06


def test_equal_values_give_one() -> None:
    assert of_choices([(2, 4)], lambda chosen: np.zeros(len(chosen)), most_draws=99, seed=0).p == 1
    assert of_choices([(2, 40)], lambda chosen: np.zeros(len(chosen)), most_draws=99, seed=0, most_counted=5).p == 1


def test_two_of_a_plate_are_two_different_wells() -> None:
    seen = []

    def statistic(chosen: np.ndarray) -> np.ndarray:
        seen.append(chosen)
        return np.ones(len(chosen))

    of_choices([(2, 3), (1, 2)], statistic, most_draws=500, seed=0, most_counted=1)
    drawn = np.concatenate(seen)
    assert (drawn[:, 0] != drawn[:, 1]).all()
    assert set(drawn[:, :2].ravel()) == {0, 1, 2, 3, 4}
    assert set(drawn[:, 2]) == {5, 6, 7}


@pytest.mark.parametrize("most_counted", [1000, 1])
def test_without_a_group_the_test_is_that_of_the_controls_that_stay(most_counted: int) -> None:
    values = np.random.default_rng(3).normal(size=14)
    values[0] += 1
    pools, group = [(1, 6), (1, 6)], np.array([-1, 0, 0, 1, 1, 1, 1, -1, 2, 2, 2, 2, 3, 3])

    def without(chosen: np.ndarray) -> np.ndarray:
        sums = np.repeat(values[chosen].sum(axis=1)[:, None], 4, axis=1)
        sums[(group[chosen][:, :, None] == np.arange(4)).any(axis=1)] = np.nan
        return sums

    found = without_groups(pools, without, most_draws=40_000, seed=0, most_counted=most_counted)
    for number in range(4):
        stay = np.flatnonzero(group != number)
        truth = values[0] + values[7]
        every = [values[a] + values[b] for a in stay[stay < 7] for b in stay[stay >= 7]]
        expected = np.mean([v >= truth - 1e-12 for v in every])
        assert found[number] == pytest.approx(expected, abs=0 if most_counted > 1 else 0.02)


def test_without_a_group_drawn_choices_never_give_zero() -> None:
    def unmatched(chosen: np.ndarray) -> np.ndarray:
        truth = (np.sort(chosen, axis=1) == [0, 1, 42, 43]).all(axis=1)
        return np.where(truth, 1.0, 0.0)[:, None]

    assert without_groups([(2, 40), (2, 40)], unmatched, most_draws=99, seed=0, most_counted=1)[0] == pytest.approx(1 / 100)
