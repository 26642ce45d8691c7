"""Benjamini and Hochberg by hand, in families, and the p-value that one more could have."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.statistics import discovery


def test_false_discovery_is_benjamini_and_hochbergs_and_nan_is_not_counted() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.5])
    # Sorted .01 .03 .04 .5 of four tests: p * 4 / rank, then never above what comes later.
    expected = [0.04, np.nan, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.5]
    np.testing.assert_allclose(discovery.corrected(p), expected)
    assert np.isnan(discovery.corrected(np.array([np.nan]))).all()


def test_families_are_corrected_apart() -> None:
    p, families = np.array([0.01, 0.02, 0.5, 0.01]), ["a", "b", "a", "b"]
    np.testing.assert_allclose(discovery.corrected_within(p, families), [0.02, 0.02, 0.5, 0.02])
    np.testing.assert_allclose(discovery.corrected_within(p, ["a"] * 4), discovery.corrected(p))


@pytest.mark.parametrize("p", [[0.001, 0.2, 0.9, 0.04], [0.5, 0.6, 0.7], [0.001, 0.002]])
def test_the_largest_that_is_called_is_called_and_no_larger_one(p: list[float]) -> None:
    values = np.array(p)
    line = discovery.largest_called(values, rate=0.05)
    worst = int(values.argmax())
    for factor, expected in ((0.999, True), (1.001, False)):
        changed = values.copy()
        changed[worst] = line * factor
        if len(p) > 2:
            assert (discovery.corrected(changed)[worst] < 0.05) == expected
    assert discovery.largest_called(np.array([np.nan]), rate=0.05) == 0.0
    assert discovery.largest_called(np.array([0.001, 0.002]), rate=0.05) == pytest.approx(0.05)
