"""Tidy numbers: the columns of the contract and the bootstrap interval."""

from __future__ import annotations

import numpy as np

from impasto.evaluation import tidy


def test_the_interval_is_the_middle_95_per_cent_of_means_of_resamples() -> None:
    values = np.random.default_rng(0).random(40)
    rng = np.random.default_rng(3)
    means = [values[rng.integers(0, 40, 40)].mean() for _ in range(20_000)]
    low, high = tidy.interval(values, seed=0, draws=20_000)
    np.testing.assert_allclose([low, high], np.quantile(means, [0.025, 0.975]), atol=0.003)  # type: ignore[list-item]
    assert tidy.interval(values[:2], seed=0) == (None, None)
    assert tidy.interval(values, seed=0) == tidy.interval(values, seed=0)


def test_a_frame_has_the_columns_of_the_contract_even_without_rows() -> None:
    assert tuple(tidy.frame([]).columns) == tidy.COLUMNS == ("task", "protocol", "group", "metric", "value", "low", "high", "chance", "n")
