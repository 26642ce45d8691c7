"""Intervals: never outside what a score can be; Wilson's as scipy has it; the t interval by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from impasto.statistics import interval


@pytest.mark.parametrize(("successes", "of"), [(0, 72), (1, 10), (5, 10), (72, 72), (1, 1)])
def test_wilson_is_scipys(successes: int, of: int) -> None:
    found = interval.wilson(successes, of, unit="compound")
    theirs = stats.binomtest(successes, of).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-12), pytest.approx(theirs.high, abs=1e-12))
    assert (found.clusters, found.unit) == (of, "compound")


def test_a_share_of_nothing_has_no_interval() -> None:
    assert interval.wilson(0, 0, unit="compound").low is None


def test_the_t_interval_by_hand() -> None:
    found = interval.around(2.0, 0.25, df=19, unit="plate", clusters=20, method="t", share=False)
    assert found.high == pytest.approx(2.0 + 2.093024 * 0.5, abs=1e-5)
    assert found.low == pytest.approx(2.0 - 2.093024 * 0.5, abs=1e-5)


def test_the_interval_of_a_share_is_made_on_the_logit() -> None:
    found = interval.around(0.9, 0.0025, df=19, unit="plate", clusters=20, method="t", share=True)
    middle, reach = np.log(9.0), 2.093024 * 0.05 / 0.09
    assert found.low == pytest.approx(1 / (1 + np.exp(-(middle - reach))), abs=1e-6)
    assert found.high == pytest.approx(1 / (1 + np.exp(-(middle + reach))), abs=1e-6)


@given(st.floats(0, 1), st.floats(1e-12, 4), st.integers(1, 30))
def test_a_share_never_leaves_its_range(value: float, variance: float, df: int) -> None:
    found = interval.around(value, variance, df=df, unit="plate", clusters=df + 1, method="t", share=True)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= value + 1e-9
    assert value - 1e-9 <= found.high <= 1


def test_a_share_without_variance_has_no_interval_rather_than_a_point() -> None:
    found = interval.around(0.25, 0.0, df=9, unit="compound", clusters=10, method="jackknife", share=True)
    assert (found.low, found.high) == (None, None)
    assert "its error is not known" in found.why
    # At 0 and 1 Wilson's interval says how little is known, and a difference of nothing is nothing.
    one = interval.around(1.0, 0.0, df=9, unit="compound", clusters=10, method="jackknife", share=True)
    assert one.low == pytest.approx(0.7225, abs=1e-3)
    assert interval.around(0.0, 0.0, df=9, unit="compound", clusters=10, method="jackknife", share=False).low == 0.0
