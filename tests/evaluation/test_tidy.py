"""Tidy numbers: the columns of the contract, and what an interval says of itself."""

from __future__ import annotations

import numpy as np

from impasto.evaluation import tidy
from impasto.statistics.interval import Interval, none
from impasto.statistics.jackknife import LeftOut


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
    part = LeftOut(0.5, np.array([0.4, 0.6]), None, 2, "control well")
    row = tidy.score("t", "p", "g", "mAP", 0.5, Interval(0, 1, "well", 2, 1.0, "t"), chance=None, n=2, parts=[part], units="ab")
    table = tidy.left_out([row])
    assert table["stratum_of"].tolist() == ["control well"] * 2
    assert table[["group", "metric", "units", "part", "of", "without", "value"]].to_numpy().tolist() == [
        ["g", "mAP", "ab", 0, 2, 0, 0.4],
        ["g", "mAP", "ab", 0, 2, 1, 0.6],
    ]
    assert tidy.digest_of_units(["a", "b"]) != tidy.digest_of_units(["ab"])


def test_a_score_is_said_in_one_sentence() -> None:
    made = Interval(0.086, 0.171, "compound", 306, 19.0, "jackknife")
    row = tidy.score("sisters", "p", "profiles", "mAP", 0.122, made, chance=0.045, n=421, p_chance=0.001)
    table = tidy.frame([row])
    expected = "mAP .122; other compounds .086 to .171; above chance .045, p = .001 (labels shuffled)"
    assert tidy.said(table.to_dict("records")[0]) == expected
    vague = tidy.frame([tidy.score("t", "p", "g", "mAP", 0.05, made, chance=0.045, n=1, p_chance=0.4)]).to_dict("records")[0]
    assert tidy.said(vague).endswith("not distinguished from chance .045, p = .400 (labels shuffled)")
    few = none(unit="class", clusters=3, method="jackknife", why="3 units (class); 6 are needed")
    short = tidy.frame([tidy.score("t", "p", "g", "mAP", 0.05, few, chance=None, n=1)]).to_dict("records")[0]
    assert tidy.said(short) == "mAP .050; no interval: 3 units (class); 6 are needed"
