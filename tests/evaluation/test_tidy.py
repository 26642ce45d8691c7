"""Tidy numbers: the columns of the contract and the bootstrap interval."""

from __future__ import annotations

import numpy as np

from impasto.evaluation import tidy
from impasto.statistics.interval import Interval, none
from impasto.statistics.jackknife import LeftOut


def test_the_interval_is_the_middle_95_per_cent_of_means_of_resamples() -> None:
    values = np.random.default_rng(0).random(40)
    rng = np.random.default_rng(3)
    means = [values[rng.integers(0, 40, 40)].mean() for _ in range(20_000)]
    low, high = tidy.interval(values, seed=0, draws=20_000)
    np.testing.assert_allclose([low, high], np.quantile(means, [0.025, 0.975]), atol=0.003)  # type: ignore[list-item]
    assert tidy.interval(values[:2], seed=0) == (None, None)
    assert tidy.interval(values, seed=0) == tidy.interval(values, seed=0)


def test_a_frame_has_the_columns_of_the_contract_even_without_rows() -> None:
    assert tuple(tidy.frame([]).columns) == tidy.COLUMNS
    assert tidy.COLUMNS[:9] == ("task", "protocol", "group", "metric", "value", "low", "high", "chance", "n")


def test_a_score_says_what_its_interval_speaks_of_and_how_it_was_made() -> None:
    row = tidy.score("t", "p", "g", "mAP", 0.5, Interval(0.4, 0.6, "compound", 12, 11.0, "jackknife"), chance=0.1, n=12, p_chance=0.01)
    table = tidy.frame([row]).iloc[0]
    assert (table["low"], table["high"], table["clusters"], table["df"], table["p_chance"]) == (0.4, 0.6, 12, 11, 0.01)
    assert (table["unit"], table["interval"], table["about"]) == ("compound", "jackknife", "other compounds")
    few = tidy.score("t", "p", "g", "mAP", 0.5, none(unit="batch", clusters=2, method="t", why="2 batches"), chance=None, n=2)
    assert (few.low, few.about) == (None, "2 batches")


def test_the_scores_without_groups_of_units_make_a_table() -> None:
    part = LeftOut(0.5, np.array([0.4, 0.6]), None, 2)
    row = tidy.score("t", "p", "g", "mAP", 0.5, Interval(0, 1, "well", 2, 1.0, "t"), chance=None, n=2, parts=[part], units="ab")
    table = tidy.left_out([row])
    assert table[["group", "metric", "units", "part", "of", "without", "value"]].to_numpy().tolist() == [
        ["g", "mAP", "ab", 0, 2, 0, 0.4],
        ["g", "mAP", "ab", 0, 2, 1, 0.6],
    ]
    assert tidy.digest_of_units(["a", "b"]) != tidy.digest_of_units(["ab"])
