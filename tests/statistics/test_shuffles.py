"""Above chance: p by counting, early stopping, ties, and no signal called more often than 5 in 100."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.statistics import shuffles


def test_p_counts_exceedances_and_never_is_zero() -> None:
    drawn = iter([0.1] * 9 + [0.9] * 2 + [0.2] * 88)
    found = shuffles.above_chance(0.5, lambda rng: next(drawn), seed=0, most=99)
    assert (found.p, found.draws) == (3 / 100, 99)
    assert found.mean == pytest.approx((0.9 * 2 + 0.1 * 9 + 0.2 * 88) / 99)
    assert shuffles.above_chance(1.0, lambda rng: 0.0, seed=0, most=99).p == 0.01


def test_it_stops_at_twenty_exceedances() -> None:
    found = shuffles.above_chance(0.0, lambda rng: 1.0, seed=0)
    assert (found.p, found.draws) == (1.0, 20)
    turns = iter([1.0, 0.0] * 500)
    assert shuffles.above_chance(0.5, lambda rng: next(turns), seed=0) == shuffles.Chance(20 / 39, 20 / 39, 39)


def test_how_many_exceedances_are_enough_can_be_said() -> None:
    turns = iter([1.0, 0.0] * 500)
    assert shuffles.above_chance(0.5, lambda rng: next(turns), seed=0, enough=3) == shuffles.Chance(3 / 5, 3 / 5, 5)


def test_ties_count_as_exceeded() -> None:
    assert shuffles.above_chance(0.3, lambda rng: 0.1 + 0.2, seed=0).p == 1.0


def test_labels_that_mean_nothing_are_called_at_their_rate() -> None:
    rng = np.random.default_rng(0)
    found = [shuffles.above_chance(rng.normal(), lambda r: r.normal(), seed=i, most=99).p for i in range(400)]
    # Standard error .011.
    assert np.mean(np.array(found) <= 0.05) <= 0.083
