"""The threshold's part of the variance of a share: by hand, where it is nothing, and against thresholds that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from impasto.statistics import counted


def test_the_slope_is_a_line_through_the_shares_above_the_largest_five() -> None:
    # Ten things, reached by 0 0 0 1 2 2 3 4 9 9 of twenty null values; called are those that none reaches.
    reached = np.array([0, 0, 0, 1, 2, 2, 3, 4, 9, 9])
    above = np.array([0.3, 0.4, 0.6, 0.7, 0.8])
    at = np.array([special.digamma(j) for j in range(1, 6)])
    slope = np.polyfit(at, above, 1)[0]
    # Var log U of the largest of 20 is the sum of 1/i^2 for i from 1 to 20.
    expected = slope**2 * sum(1 / i**2 for i in range(1, 21))
    assert counted.variance(reached, reached == 0, of=20) == pytest.approx(expected)


def test_a_later_rank_takes_a_third_to_three_times_its_own() -> None:
    rng = np.random.default_rng(0)
    reached = rng.integers(0, 100, 400)
    above = [(reached < j).mean() for j in range(2, 16)]
    slope = np.polyfit(special.digamma(np.arange(2, 16)), above, 1)[0]
    expected = slope**2 * sum(1 / i**2 for i in range(5, 101))
    # Fewer than five of a hundred reach what is called, so the threshold is the fifth largest: from 5/3 to 15.
    assert (reached == 4).any()
    assert counted.variance(reached, reached < 5, of=100) == pytest.approx(expected)


def test_nothing_called_has_no_part_and_all_called_has_none_either() -> None:
    reached = np.arange(30)
    assert counted.variance(reached, np.zeros(30, dtype=bool), of=20) == 0.0
    assert counted.variance(np.zeros(30, dtype=int), np.ones(30, dtype=bool), of=20) == 0.0
    assert counted.variance(np.array([0, 1]), np.array([True, False]), of=1) == 0.0


def test_it_is_no_less_than_the_variance_over_null_values_that_are_drawn_again_and_no_more_than_twice_it() -> None:
    rng = np.random.default_rng(1)
    things = rng.normal(2.0, 1.0, size=2000)
    shares, parts = [], []
    for _ in range(400):
        null = rng.normal(size=24)
        reached = (null[:, None] >= things).sum(axis=0)
        called = reached == 0
        shares.append(called.mean())
        parts.append(counted.variance(reached, called, of=24))
    # Shares bend towards 0 above the largest value, where no line is seen: the part is rather too large.
    assert 1 < np.mean(parts) / np.var(shares) < 2
