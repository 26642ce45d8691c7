"""Where wells stand: as many as the plan says, fixed or scrambled, controls on every plate."""

from __future__ import annotations

import pytest

from impasto.schema import InputError
from impasto.simulate import layout
from impasto.simulate import plan as plans
from impasto.simulate.plan import Plan


def wells(**changes: object):  # type: ignore[no-untyped-def]
    plan = Plan(**{"perturbations": 8, "mechanisms": 4, "controls": 3, **changes})
    return layout.wells(plan, plans.truth(plan, seed=0), seed=0)


def test_every_plate_holds_all_doses_and_its_controls() -> None:
    table = wells(sources=2, doses=[0.5, 1.0])
    assert len(table) == 2 * 2 * 2 * (8 * 2 + 3)
    assert table.groupby("plate").size().unique().tolist() == [19]
    assert sorted(table["plate"].unique()) == [f"S{s}B{b}P{p}" for s in (1, 2) for b in (1, 2) for p in (1, 2)]
    control = table[table["control_type"] == "negcon"]
    assert control.groupby("plate").size().unique().tolist() == [3]
    assert set(control["concentration"]) == {0.0}
    assert set(control["number"]) == {-1}
    assert table.groupby("plate")["well"].nunique().eq(19).all()
    assert not table.duplicated(["plate", "well"]).any()


def test_a_fixed_layout_repeats_and_a_scrambled_one_does_not() -> None:
    places = {kind: wells(layout=kind).query("number == 2")["well"].nunique() for kind in ("fixed", "scrambled")}
    assert places["fixed"] == 1
    assert places["scrambled"] > 1


def test_lines_take_turns_and_batches_are_dealt() -> None:
    table = wells(cell_lines=2, plates=1, batches=3)
    assert table.groupby("plate")["cell_line"].nunique().max() == 1
    assert table.groupby("batch")["cell_line"].nunique().tolist() == [2, 2, 2]
    some = wells(batches=4, batches_each=2)
    assert some[some["number"] >= 0].groupby("number")["batch"].nunique().tolist() == [2] * 8
    assert some[some["number"] < 0]["batch"].nunique() == 4
    with pytest.raises(InputError, match="batches_each is 5; allowed: 1 to 2"):
        wells(batches_each=5)
    with pytest.raises(InputError, match="1600 wells a plate do not fit"):
        wells(controls=1592)
