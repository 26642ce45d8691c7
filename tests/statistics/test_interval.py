"""Intervals: never outside what a score can be; Wilson's as scipy has it; the t interval by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from impasto.statistics import interval


@pytest.mark.parametrize(("successes", "of"), [(0, 72), (3, 10), (5, 10), (4, 72), (68, 72), (72, 72)])
def test_wilson_is_scipys(successes: int, of: int) -> None:
    found = interval.wilson(successes, of, unit="compound")
    theirs = stats.binomtest(successes, of).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-12), pytest.approx(theirs.high, abs=1e-12))
    assert (found.clusters, found.unit) == (of, "compound")


def test_few_successes_have_the_lower_end_of_a_poisson_number_and_few_failures_its_mirror() -> None:
    """Brown, Cai & DasGupta 2001: λ with P(at least x events of mean λ) = .05; .0513, .3554 and .8177 for x = 1, 2 and 3."""
    for x, mean in ((1, 0.051293), (2, 0.355361), (3, 0.817691)):
        assert stats.poisson.sf(x - 1, mean) == pytest.approx(0.05, abs=1e-5)
        found, wilson = interval.wilson(x, 60, unit="pair"), stats.binomtest(x, 60).proportion_ci(0.95, method="wilson")
        assert (found.low, found.high) == (pytest.approx(mean / 60, abs=1e-7), pytest.approx(wilson.high, abs=1e-12))
        mirrored = interval.wilson(60 - x, 60, unit="pair")
        assert (mirrored.low, mirrored.high) == (pytest.approx(1 - wilson.high, abs=1e-12), pytest.approx(1 - mean / 60, abs=1e-7))
    # Three of fifty are no longer few.
    assert interval.wilson(3, 50, unit="pair").low == pytest.approx(stats.binomtest(3, 50).proportion_ci(0.95, method="wilson").low)
    assert interval.wilson(2, 50, unit="pair").low == pytest.approx(0.355361 / 50, abs=1e-7)
    both = interval.wilson(1, 2, unit="pair")
    assert (both.low, both.high) == (pytest.approx(0.0512933 / 2, abs=1e-7), pytest.approx(1 - 0.0512933 / 2, abs=1e-7))


@pytest.mark.parametrize(("of", "share"), [(60, 1 / 60), (60, 0.05), (30, 0.05), (100, 0.99), (40, 0.5), (20, 0.1)])
def test_wilson_covers_a_binomial_share_in_93_of_100_or_more(of: int, share: float) -> None:
    """Counted over the whole distribution. Wilson's own covers .921 of one pair in 60."""
    held = 0.0
    for x in range(of + 1):
        found = interval.wilson(x, of, unit="pair")
        assert found.low is not None
        assert found.high is not None
        held += float(stats.binom.pmf(x, of, share)) * (found.low <= share <= found.high)
    assert held >= 0.93


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
