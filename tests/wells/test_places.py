"""Plates, batches and sources, and the row and column of a well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wells.tables import table

from impasto import wells
from impasto.schema import InputError


def test_two_plates_of_one_name_in_two_batches_are_two_plates() -> None:
    obs = table(batch=["B1", "B1", "B2"], plate=["1", "2", "1"], well=["A01", "A01", "A01"])
    codes, names = wells.plates(obs)
    assert names == ["B1/1", "B1/2", "B2/1"]
    assert codes.tolist() == [0, 1, 2]
    assert wells.keys_of_plate(obs) == ["batch", "plate"]


def test_groups_by_batch_source_another_column_and_none() -> None:
    obs = table(source=["s1", "s2", "s2"], batch=["B", "B", "C"], plate=["1", "1", "1"], cell_line=["x", "y", "x"])
    assert wells.groups(obs, "batch")[1] == ["s1/B", "s2/B", "s2/C"]
    assert wells.groups(obs, "source")[1] == ["s1", "s2"]
    assert wells.groups(obs, "cell_line")[0].tolist() == [0, 1, 0]
    assert wells.groups(obs, None)[1] == [""]
    with pytest.raises(InputError, match=r"no column 'plat' \(did you mean 'plate'\?\)"):
        wells.groups(obs, "plat")


def test_plates_of_a_table_without_plates_are_one() -> None:
    assert wells.plates(table(well=["A01", "B01"]))[1] == [""]


def test_a_missing_plate_is_a_group_of_its_own_not_another_plate() -> None:
    codes, names = wells.plates(table(plate=["1", None, "1"]))
    assert names == ["", "1"]
    assert codes.tolist() == [1, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 47)), min_size=1))
def test_places_are_those_of_the_names(places: list[tuple[int, int]]) -> None:
    letters = [chr(65 + r) if r < 26 else "A" + chr(65 + r - 26) for r, _ in places]
    obs = table(well=[f"{letter}{column + 1:02d}" for letter, (_, column) in zip(letters, places, strict=True)])
    rows, columns = wells.place(obs)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == places


def test_places_need_wells() -> None:
    with pytest.raises(InputError, match="no column 'well'"):
        wells.place(table(plate=["1"]))


def test_up_to_three_plates_are_named_and_more_counted() -> None:
    assert wells.plates_in_words(["S1/B1/P1", "/P2/"]) == "S1/B1/P1, P2"
    assert wells.plates_in_words(["A", "B", "C"]) == "A, B, C"
    assert wells.plates_in_words(["A", "B", "C", "D"]) == "4 plates"
    assert wells.plates_in_words([""]) == ""
