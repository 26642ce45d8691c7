"""Repeated splits: the corrected variance by hand, and what too few of them give."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.statistics import resplits


def test_the_corrected_interval_by_hand() -> None:
    values = np.array([0.10, 0.14, 0.12, 0.16, 0.13])
    found = resplits.of_resplits(values, tested=61, trained=245)
    spread = values.var(ddof=1) * (1 / 5 + 61 / 245)
    assert found.high == pytest.approx(0.13 + 2.776445 * np.sqrt(spread), abs=1e-5)
    assert (found.df, found.clusters, found.method) == (4, 5, "corrected t")


def test_five_splits_of_a_fifth_widen_the_interval_by_half() -> None:
    values = np.array([0.10, 0.14, 0.12, 0.16, 0.13])
    corrected, plain = resplits.of_resplits(values, tested=61, trained=245), resplits.of_repeats(values, unit="split")
    assert corrected.high is not None
    assert plain.high is not None
    assert (corrected.high - 0.13) / (plain.high - 0.13) == pytest.approx(1.50, abs=0.01)


def test_one_repeat_says_why_there_is_no_interval() -> None:
    assert resplits.of_resplits(np.array([0.1]), tested=1, trained=2).why == "1 split; two are needed"
    assert resplits.of_repeats(np.array([0.1]), unit="seed").why == "1 seed; two are needed"


@pytest.mark.parametrize(("units", "halves", "ends"), [(6, 2, True), (5, 16, False), (6, 1, False)])
def test_six_units_and_two_halves_are_needed(units: int, halves: int, ends: bool) -> None:
    found = resplits.of_halves(np.linspace(0.2, 0.6, halves), value=0.4, unit="compound", clusters=units)
    assert (found.low is not None) is ends
    if not ends:
        assert found.why == f"{units} units (compound); 6 are needed"
        assert (found.unit, found.clusters, found.method) == ("compound", units, "halves")
