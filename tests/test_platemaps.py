"""Platemaps without a column for the plate: told by the file's name or a grid's title, refused where that does not tell them apart."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto import annotation, platemaps
from impasto.schema import InputError


def layout(a01: str, a02: str) -> pd.DataFrame:
    return pd.DataFrame({"well": ["A01", "A02"], "perturbation_name": [a01, a02]})


def data() -> pd.DataFrame:
    return pd.DataFrame({"plate": ["P1", "P1", "P2", "P2"], "well": ["A01", "A02"] * 2})


@pytest.mark.parametrize("names", [("maps/P1.csv", "maps/P2.csv"), ("layout_P2 final.xlsx", "P1-layout.xlsx")])
def test_files_named_by_their_plates(names: tuple[str, str]) -> None:
    first, second = (layout("DMSO", "x"), layout("y", "DMSO"))
    by_plate = {"P1": first, "P2": second} if "P1" in names[0] else {"P1": second, "P2": first}
    obs, joins = annotation.join(data(), list(zip(names, (first, second), strict=True)))
    expected = [*by_plate["P1"]["perturbation_name"], *by_plate["P2"]["perturbation_name"]]
    assert obs["perturbation"].tolist() == expected
    assert obs["perturbation_name"].tolist() == expected
    assert [join.keys for join in joins] == [("plate", "well")] * 2
    assert joins[0].notes[0].endswith("by the file's name")


def test_one_platemap_is_of_all_plates_whatever_its_name() -> None:
    obs, _ = annotation.join(data(), [("P1.csv", layout("DMSO", "x"))])
    assert obs["perturbation"].tolist() == ["DMSO", "x", "DMSO", "x"]


def test_platemaps_that_differ_and_name_no_plate_are_refused() -> None:
    with pytest.raises(InputError, match=r"a\.csv and b\.csv name no plate and differ in perturbation_name of 1 wells \(first: well A02\)"):
        annotation.join(data(), [("a.csv", layout("DMSO", "x")), ("b.csv", layout("DMSO", "y"))])


def test_platemaps_that_tell_different_things_of_a_well_are_joined_both() -> None:
    doses = pd.DataFrame({"well": ["A01", "A02"], "concentration": [0.0, 5.0]})
    obs, _ = annotation.join(data(), [("a.csv", layout("DMSO", "x")), ("doses.csv", doses)])
    assert obs["perturbation"].tolist() == ["DMSO", "x"] * 2
    assert obs["concentration"].tolist() == [0.0, 5.0] * 2


def test_grids_titled_by_their_plates() -> None:
    grids = pd.DataFrame({"well": ["A01", "A02"], "P1": ["DMSO", "x"], "P2": ["y", "DMSO"]})
    obs, joins = annotation.join(data(), [("m.xlsx", grids)])
    assert obs["perturbation"].tolist() == ["DMSO", "x", "y", "DMSO"]
    assert joins[0].notes == ("m.xlsx: its grids are plates (P1, P2) and hold perturbation_name",)


def test_a_new_name_is_the_perturbation_where_the_old_one_was() -> None:
    named = data().assign(perturbation_name="old", perturbation=["old", "old", "BRD-1", "old"])
    obs, _ = annotation.join(named, [("m.csv", layout("DMSO", "x"))])
    assert obs["perturbation_name"].tolist() == ["DMSO", "x", "DMSO", "x"]
    assert obs["perturbation"].tolist() == ["DMSO", "x", "BRD-1", "x"], "an identifier stays"


def test_nothing_is_told_where_a_column_says_the_plate() -> None:
    table = layout("DMSO", "x").assign(plate="P1")
    assert platemaps.of_plates([("P2.csv", table)], {"P1", "P2"})[0][1] is table
