"""Profile intervals: the F limit by hand, ends between grid points, and ends that are open."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from impasto.statistics import profile


def test_the_limit_is_that_of_f() -> None:
    assert profile.limit(4.0, 20) == pytest.approx(4.0 * (1 + stats.f.ppf(0.95, 1, 20) / 20))


def test_ends_lie_on_lines_between_points() -> None:
    grid = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    rss = np.array([9.0, 5.0, 4.0, 6.0, 9.0])
    most = 4.0 * (1 + stats.f.ppf(0.95, 1, 10) / 10)
    assert 5.0 < most < 6.0
    low, high = profile.by_f(grid, rss, df=10)
    assert low == pytest.approx(1 - (most - 5) / (9 - 5))
    assert high == pytest.approx(2 + (most - 4) / (6 - 4))


def test_of_a_line_it_is_the_t_interval() -> None:
    """y = b x: the profile of b is a parabola, and its interval the one of t (F(1, df) is t squared)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    y = 2 * x + rng.normal(size=30)
    slope = float(x @ y / (x @ x))
    grid = np.linspace(slope - 2, slope + 2, 4001)
    rss = ((y[None] - grid[:, None] * x[None]) ** 2).sum(axis=1)
    error = np.sqrt(((y - slope * x) ** 2).sum() / 29 / (x @ x))
    reach = float(stats.t.ppf(0.975, 29)) * error
    assert profile.by_f(grid, rss, df=29) == pytest.approx((slope - reach, slope + reach), abs=1e-5)


def test_an_end_beyond_the_grid_is_open() -> None:
    grid = np.array([0.0, 1.0, 2.0])
    assert profile.by_f(grid, np.array([1.0, 1.0, 90.0]), df=10)[0] == -np.inf
    assert profile.by_f(grid, np.array([90.0, 1.0, 1.01]), df=10)[1] == np.inf
    # Two valleys: the interval reaches over both.
    low, high = profile.by_f(np.arange(5.0), np.array([90.0, 1.0, 90.0, 1.0, 90.0]), df=10)
    assert 0 < low < 1
    assert 3 < high < 4
