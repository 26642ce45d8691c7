"""Dose and response as they were fitted: the numbers of the tables, in order, with what is missing as None."""

from __future__ import annotations

from tests.explorer.test_near import row

from impasto.explorer import responses
from impasto.explorer.contents import Contents


def test_a_curve_with_its_band_and_points(contents: Contents) -> None:
    got = responses.of_compound(contents, row(contents, "id-0"))
    assert got is not None
    assert (got["p"], got["q"], got["why"], got["ec50"], got["ec50_words"], got["benchmark"]) == (0.002, 0.004, "", 3.0, "3", 2.5)
    assert (got["benchmark_low"], got["benchmark_high"], got["benchmark_response"]) == (1.0, 10.0, 1.349)
    assert got["curve"] == {
        "dose": [0.1, 1.0, 10.0],
        "response": [0.0, 1.0, 3.0],
        "low": [-0.5, 0.5, 2.5],
        "high": [0.5, 1.5, 3.5],
    }
    assert got["points"] == [
        {"dose": 1.0, "response": 0.9, "plate": "P1", "well": ""},
        {"dose": 10.0, "response": 3.1, "plate": "P2", "well": ""},
    ]


def test_a_compound_without_a_curve_says_why(contents: Contents) -> None:
    got = responses.of_compound(contents, row(contents, "id-1"))
    assert got is not None
    assert (got["curve"], got["points"], got["why"], got["ec50"]) == (None, [], "not distinguished from flat (q = 0.6)", None)


def test_a_compound_that_was_not_fitted_has_no_response(contents: Contents) -> None:
    assert responses.of_compound(contents, row(contents, "id-2")) is None
