"""Each warning is there where its cause is, and only there."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.assay.layouts import assay

from impasto.assay import warnings
from impasto.assay.check import check
from impasto.coverage import Coverage
from impasto.evaluation.plan import Plan


def said(obs: pd.DataFrame, word: str, unit: str = "uM") -> list[str]:
    return [line for line in check(obs, dose_unit=unit).warnings if word in line]


def test_one_well_of_each_cannot_yield_a_hit() -> None:
    obs = assay(plates=1, compounds=72, controls=24)
    made = check(obs)
    assert made.cannot
    # 12 of 24 controls judge: C(13, 1) = 13 orderings, 72 / 13 / .05 = 110.8
    line = made.warnings[0]
    assert line.startswith("This design cannot yield a hit: 12 negative controls a plate")
    assert "smaller than 0.077" in line
    assert "111 of 72 tests" in line


def test_the_remedy_is_enough_and_one_less_is_not() -> None:
    line = check(assay(plates=1, compounds=72, controls=24)).warnings[0]
    # alone a hit needs p <= .05 / 72 = 1/1440: C(c + 1, 1) >= 1440 is out of reach; C(12 + k, k) >= 1440: k = 4 gives 1820, k = 3 gives 455
    assert "4 wells a plate of each perturbation" in line
    # 13**P >= 1440: P = 3 gives 2197, P = 2 gives 169
    assert "3 plates of the same layout" in line
    assert "controls a plate to judge" not in line


def test_a_design_that_needs_several_hits_at_once() -> None:
    # 10 compounds in two wells, no reproduction below 20: 12 judges on 2 plates, floor 1/169, 10 / 169 / .05 = 1.18 -> 2
    made = check(assay(plates=2, compounds=10, controls=24))
    assert (made.plan.hits_needed, made.cannot) == (2, False)
    assert made.warnings[0].startswith("This design can hardly yield a hit")
    assert "2 of 10 tests" in made.warnings[0]
    # C(12 + k, k) squared must reach 200: C(14, 2) = 91 does, and alone it would not
    assert "2 wells a plate of each perturbation" in made.warnings[0]
    # C(c + 1, 1) squared must reach 200: 15**2 = 225, 14**2 = 196
    assert "14 controls a plate to judge by (28 in all" in made.warnings[0]


def test_a_good_design_says_nothing_of_hits() -> None:
    assert not [line for line in check(assay(plates=3, compounds=24)).warnings if "design" in line]


def test_few_controls_to_judge() -> None:
    assert said(assay(controls=14), "Fewer than 8")
    assert "P1 7, P2 7" in said(assay(controls=14), "Fewer than 8")[0]
    assert not said(assay(controls=16), "Fewer than 8")


def test_one_place_on_every_plate() -> None:
    assert "20 of 20" in said(assay(), "keep one well position")[0]
    scrambled = pd.concat([assay(plates=1, seed=0), assay(plates=1, seed=1).assign(plate="P2")])
    moved = said(scrambled, "keep one well position")
    assert not moved or moved[0].startswith(("1 of", "2 of"))


def test_controls_in_one_column_or_on_the_edge() -> None:
    obs = assay(plates=1, compounds=80, controls=8)
    is_control = (obs["control_type"] == "negcon").to_numpy()
    inner = [f"{row}{number:02d}" for row in "ABCDEFGH" for number in range(2, 12)]
    obs.loc[~is_control, "well"] = inner
    obs.loc[is_control, "well"] = [f"{row}01" for row in "ABCDEFGH"]
    assert "P1 (one column)" in said(obs, "stand together")[0]
    obs.loc[is_control, "well"] = ["A01", "B01", "A12", "H12", "C01", "D12", "H01", "E01"]
    assert "P1 (the edge)" in said(obs, "stand together")[0]
    obs.loc[obs["well"] == "D05", "well"] = "F12"
    obs.loc[obs["well"] == "B01", "well"] = "D05"
    assert not said(obs, "stand together")


def test_one_plate_only() -> None:
    obs = assay()
    assert not said(obs, "one plate only")
    lonely = obs.drop(obs.index[(obs["perturbation"] == "C03") & (obs["plate"] == "P2")])
    assert "1 of 20" in said(lonely, "one plate only")[0]


def test_few_doses() -> None:
    assert "5 of 5 compounds" in said(assay(compounds=5, doses=(1.0, 2.0, 3.0)), "dose curve")[0]
    assert not said(assay(compounds=5, doses=(1.0, 2.0, 3.0, 4.0)), "dose curve")
    assert not said(assay(compounds=5), "dose curve")


def test_two_lines_on_a_plate() -> None:
    obs = assay()
    obs["cell_line"] = ["U2OS" if i % 2 else "A549" for i in range(len(obs))]
    assert "2 plates hold several values of cell_line" in said(obs, "several values")[0]


@pytest.mark.parametrize(("left_out", "warned"), [(10, False), (11, True)])
def test_many_sites_left_out(left_out: int, warned: bool) -> None:
    assert bool(warnings.of_sites(left_out, 100)) is warned
    assert warnings.of_sites(0, 0) == ""


def test_wells_that_only_one_side_has() -> None:
    lines = warnings.of_coverage([Coverage(96, 95, 90, 88, ("P1 A01",), ("P1 H01", "P1 H02"))])
    assert lines == [
        "1 of 96 wells of the plates are not in the platemap (first: P1 A01).",
        "2 of 90 wells of the platemap are not on the plates (first: P1 H01, P1 H02).",
    ]
    assert warnings.of_coverage([Coverage(96, 96, 90, 90, (), ())]) == []


@pytest.mark.parametrize(("needed", "impossible"), [(10, False), (11, True)])
def test_all_of_them_at_once_is_still_possible(needed: int, impossible: bool) -> None:
    outlook = Plan(False, 10, 1, 1, 8, 0, 1 / 9, needed, None)
    assert warnings.cannot(outlook) is impossible


def test_few_controls_to_learn_a_scale_from() -> None:
    # Half of the controls judge: 22 leave 11 to learn from, 24 leave 12.
    assert said(assay(plates=3, compounds=30, controls=24), "Centre and scale") == []
    (line,) = said(assay(plates=3, compounds=30, controls=22), "Centre and scale")
    assert "3 of 3 plates rest on fewer than 12 negative controls" in line
