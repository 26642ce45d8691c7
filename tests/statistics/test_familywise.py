"""Holm's correction by its definition, and a p-value that agrees with the interval it came from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from impasto.statistics import interval
from impasto.statistics.familywise import holm, p_of_difference


def by_hand(p: list[float]) -> list[float]:
    """Reject step by step at the smallest level that lets each one go."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    made, highest = [0.0] * len(p), 0.0
    for step, i in enumerate(order):
        highest = max(highest, (len(p) - step) * p[i])
        made[i] = min(1.0, highest)
    return made


def test_it_is_holms_definition() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 12):
        p = rng.uniform(size=size) ** 3
        assert holm(p).tolist() == pytest.approx(by_hand(p.tolist()))
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])


def test_what_has_no_p_is_not_counted() -> None:
    made = holm(np.array([0.02, np.nan, 0.04]))
    assert made[[0, 2]].tolist() == pytest.approx([0.04, 0.04])
    assert np.isnan(made[1])
    assert holm(np.array([])).tolist() == []


def test_p_is_five_percent_where_an_end_of_the_interval_is_zero() -> None:
    df = 11
    reach = float(stats.t.ppf(0.975, df)) * 0.1
    of = interval.around(reach, 0.01, df=df, unit="mechanism", clusters=12, method="jackknife", share=False)
    assert of.low == pytest.approx(0.0, abs=1e-12)
    assert p_of_difference(reach, of) == pytest.approx(0.05)
    assert p_of_difference(-reach, of) == pytest.approx(0.05)
    assert p_of_difference(0.0, of) == 1.0
    none = interval.none(unit="mechanism", clusters=3, method="jackknife", why="3 units")
    assert np.isnan(p_of_difference(0.2, none))


def test_a_difference_that_never_varies_has_no_chance() -> None:
    constant = interval.Interval(low=0.5, high=0.5, unit="mechanism", clusters=8, df=7, method="t")
    assert p_of_difference(0.5, constant) == 0.0
