"""The design looked at before: floors, hits and controls needed, and the sentences that say them."""

from __future__ import annotations

import math

import pytest
from tests.evaluation.screens import screen

from impasto.evaluation import plan, positions
from impasto.evaluation.design import design


def of(data, *, reproduction: bool, draws: int = 20_000) -> plan.Plan:
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    return plan.plan(where, positions.played(where, seed=0), reproduction=reproduction, draws=draws, rate=0.05)


def test_two_plates_of_twelve_controls_need_nine_of_seventy_two() -> None:
    """(12 + 1)² = 169 orderings; 72 / 169 / .05 = 8.5; (37 + 1)² = 1,444 is the first above 1,440."""
    outlook = of(screen(plates=2, perturbations=72, controls=12, spared=12, whole=True), reproduction=False)
    assert outlook.floor == pytest.approx(1 / 169)
    assert (outlook.hits_needed, outlook.controls_needed, outlook.plates, outlook.controls) == (9, 37, 2, 12)
    assert outlook.sentences() == [
        "2 plates, 12 controls each: the smallest p is 0.0059; of 72 perturbations, 9 must reach it for one to be called",
        "37 controls a plate, or one plate more, would allow a lone hit",
    ]


def test_a_third_plate_allows_one() -> None:
    outlook = of(screen(plates=3, perturbations=72, controls=12, spared=12, whole=True), reproduction=False)
    assert (outlook.hits_needed, outlook.controls_needed) == (1, None)


def test_where_all_would_be_needed_none_can_be_called() -> None:
    outlook = of(screen(plates=1, perturbations=30, controls=5, spared=5, whole=True), reproduction=False)
    assert outlook.hits_needed == math.ceil(30 / 6 / 0.05) == 100
    assert outlook.sentences()[0].endswith("of 30 perturbations, none can be called")


@pytest.mark.parametrize(("tested", "expected"), [(24, 20_000), (600, 24_000)])
def test_the_null_of_reproduction_is_large_enough_for_a_lone_hit(tested: int, expected: int) -> None:
    assert plan.null_size(20_000, tested, 0.05) == expected
    assert plan.hits_needed(tested, 1 / (1 + expected), 0.05) == 1


def test_the_plan_of_reproduction_says_whether_position_can_be_judged() -> None:
    few = of(screen(perturbations=20, controls=10, spared=5), reproduction=True)
    assert (few.floor, few.positions) == (1 / 20_001, 5)
    assert few.sentences()[-1].startswith("5 spared positions; 12 are needed")
    enough = of(screen(perturbations=20, controls=30, spared=12), reproduction=True)
    assert len(enough.sentences()) == 1


def test_needed_hits_are_benjamini_and_hochbergs() -> None:
    assert plan.hits_needed(100, 0.05, 0.05) == 100
    assert plan.hits_needed(100, 0.0005, 0.05) == 1
    assert plan.hits_needed(100, 0.00051, 0.05) == 2
    assert plan.controls_for_a_lone_hit([1], 100, 0.05) is None
    assert plan.controls_for_a_lone_hit([2], 1, 0.05) == 5  # C(7, 2) = 21, the first above 20
