"""One plane in depth and time: what is chosen, what is left out, and what must be said."""

from __future__ import annotations

import pytest
from tests.plates.frames import table

from impasto.plates import axes


def chosen(frame, depth=None, time=None):  # type: ignore[no-untyped-def]
    kept, notes, problems = axes.chosen(frame, depth=depth, time=time, where="W")
    return list(zip(kept["depth"].astype(str), kept["time"].astype(str), kept["site"].astype(str), strict=True)), notes, problems


def test_one_value_needs_no_choice_and_leading_zeros_do_not_matter() -> None:
    rows, notes, problems = chosen(table(depth=["01", "1"], base=["b", "b"], site=["1", "2"]))
    assert rows == [("1", "", "1"), ("1", "", "2")]
    assert not notes
    assert not problems
    rows, _, _ = chosen(table(depth=["001", "002"], base=["b", "b"]), depth="02")
    assert rows == [("2", "", "1")]


def test_several_depths_ask_for_the_middle_one_and_several_times_for_the_first() -> None:
    frame = table(depth=["1", "2", "10"], base=["b"] * 3)
    rows, _, problems = chosen(frame)
    assert rows == [("1", "", "1")]
    assert problems[0].options == ("--depth", "2")
    assert "3 planes in depth (1, 2, 10); choose one with --depth 2" in problems[0].sentence
    _, _, problems = chosen(table(time=["2", "1", "0"], base=["b"] * 3))
    assert problems[0].options == ("--time", "0")
    assert "3 time points (0 to 2)" in problems[0].sentence
    many = table(depth=[str(n) for n in range(9)], base=["b"] * 9)
    assert "(0, 1, 2, 3, 4, ..., 8); choose one with --depth 4" in chosen(many)[2][0].sentence
    six = table(depth=[str(n) for n in range(6)], base=["b"] * 6)
    assert "(0, 1, 2, 3, 4, 5)" in chosen(six)[2][0].sentence


def test_plates_of_one_depth_each_need_no_choice() -> None:
    rows, _, problems = chosen(table(depth=["1", "2"], base=["b", "c"]))
    assert len(rows) == 2
    assert not problems


def test_projections_are_taken_unless_a_slice_is_asked_for() -> None:
    frame = table(depth=["", "1", "2", "1"], base=["b", "b", "b", "c"], site=["1", "1", "1", "2"])
    rows, notes, problems = chosen(frame)
    assert rows == [("", "", "1"), ("1", "", "2")]
    assert notes == ["projections are read; 2 slices in depth are left out (--depth N for one of them)"]
    assert not problems
    rows, notes, _ = chosen(frame, depth="2")
    assert rows == [("2", "", "1")]
    assert notes == ["1 sites have no plane 2 in depth and are left out"]
    flat = table(depth=["", "3"], base=["a", "c"], site=["1", "2"])
    assert chosen(flat, depth="3")[0] == [("", "", "1"), ("3", "", "2")]


@pytest.mark.parametrize(("axis", "words"), [("depth", "plane in depth"), ("time", "time point")])
def test_a_value_that_is_not_there_names_those_that_are(axis: str, words: str) -> None:
    frame = table(**{axis: ["1", "10", "2"], "base": ["b"] * 3})
    _, _, problems = chosen(frame, **{axis: "7"})
    assert problems[0].sentence == f"W: there is no {words} 7; it has 1, 2, 10"
    assert problems[0].options == (f"--{axis}", "1")
