"""The words of the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto import schema
from impasto.schema import InputError


@given(st.integers(0, 31), st.integers(0, 47))
def test_wells_survive_the_round_trip(row: int, column: int) -> None:
    assert schema.parse_well(schema.format_well(row, column)) == (row, column)


@pytest.mark.parametrize(("spelling", "well"), [("a1", "A01"), ("A-01", "A01"), ("p24", "P24"), ("AF48", "AF48"), (" B07 ", "B07")])
def test_spellings_of_wells(spelling: str, well: str) -> None:
    assert schema.normal_well(spelling) == well


@pytest.mark.parametrize("wrong", ["", "A", "A00", "ABC1", "A1B", "nan"])
def test_what_is_no_well_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="is not a well"):
        schema.parse_well(wrong)


@pytest.mark.parametrize("number", ["1", "96", " 13 "])
def test_a_well_that_is_a_number_is_refused_with_what_to_do(number: str) -> None:
    with pytest.raises(InputError, match=r"is a number and no well: .*along rows or along columns; write each as its row letter"):
        schema.parse_well(number)


@pytest.mark.parametrize(
    ("spelling", "channel"),
    [
        ("Hoechst 33342", "DNA"),
        ("dapi", "DNA"),
        ("CorrDAPI", "DNA"),
        ("OrigER", "ER"),
        ("SYTO-14", "RNA"),
        ("MitoTracker", "Mito"),
        ("AGP", "AGP"),
    ],
)
def test_spellings_of_channels(spelling: str, channel: str) -> None:
    assert schema.channel_name(spelling) == channel


def test_an_unknown_channel_is_none_and_every_name_is_its_own_spelling() -> None:
    assert schema.channel_name("w1") is None
    assert all(schema.channel_name(name) == name for name in schema.CHANNELS)


def test_no_spelling_means_two_words() -> None:
    for table in (schema.ALIASES, schema.CHANNELS):
        spellings = [s for many in table.values() for s in many]
        assert len(spellings) == len(set(spellings))


def test_one_of_names_the_nearest_spelling() -> None:
    with pytest.raises(InputError, match=r"unknown method 'spherring' \(did you mean 'sphering'\?\); allowed: combat, sphering"):
        schema.one_of("spherring", ["sphering", "combat"], what="method")


@pytest.mark.parametrize(
    ("place", "row", "column", "across", "well"),
    [("A01", "b", 2, 4, "B02"), ("B03", "d", 1, 4, "H09"), ("A02", "a", 4, 4, "A08"), ("C02", "b", 1, 2, "F03")],
)
def test_a_well_within_a_place_of_a_smaller_plate(place: str, row: str, column: int, across: int, well: str) -> None:
    assert schema.well_within(place, row, column, across=across) == well
