"""Doses: units in names and in cells."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto import doses
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("Conc (µM)", "uM"),
        ("dose_um", "uM"),
        ("Dose [nM]", "nM"),
        ("concentration_uM", "uM"),
        ("dose", ""),
        ("Conc. (mM)", "mM"),
        ("atom", ""),
        *((column, "uM") for column in ("Konz. [µM]", "Konzentration (µmol/L)", "Dose in uM", "Dosis, µM", "conc_final (µM)")),
        ("Final concentration, nmol/l", "nM"),
        ("Konzentration (mol/L)", "M"),
        *((column, "") for column in ("Platform", "Random", "Stammkonz. Datum", "room")),
    ],
)
def test_the_unit_in_a_name(column: str, unit: str) -> None:
    assert doses.unit_of(column) == unit


@pytest.mark.parametrize(
    ("cells", "unit", "numbers", "used"),
    [
        (["10 uM", "500 nM", "1 mM", None], "", [10.0, 0.5, 1000.0], "uM"),
        (["10 µM", "0,5 µM", "3e-2 µM"], "", [10.0, 0.5, 0.03], "uM"),
        (["1", "2.5"], "nM", [1.0, 2.5], "nM"),
        (["1", "2 µM"], "nM", [0.001, 2.0], "uM"),
        (["1e-5 M", "10µM", "10 umol/L"], "", [10.0, 10.0, 10.0], "uM"),
        (["1,000 nM", "1,500.5 nM"], "", [1.0, 1.5005], "uM"),
        (["1,000 nM", "0.5 nM"], "", [1.0, 0.0005], "uM"),
        (["1,000", "0,5"], "uM", [1.0, 0.5], "uM"),
        (["2,000,000 nM"], "", [2000.0], "uM"),
        (["0,125 µM", "1,5 µM"], "", [0.125, 1.5], "uM"),
        (["<0.01", "3", ">100 uM", "n.d."], "nM", [3.0], "nM"),
    ],
)
def test_cells_with_units_become_micromolar(cells: list[str | None], unit: str, numbers: list[float], used: str) -> None:
    found, of = doses.to_numbers(pd.Series(cells, dtype="string"), unit=unit)
    assert found.dropna().tolist() == pytest.approx(numbers)
    assert of == used


def test_a_column_that_is_no_dose_stays_as_it_is() -> None:
    words = pd.Series(["high", "low"], dtype="string")
    assert doses.to_numbers(words)[0].tolist() == ["high", "low"]
    assert doses.in_micromolar(pd.Series([500.0]), "nM").tolist() == [0.5]
    assert doses.in_micromolar(pd.Series([500.0]), "").tolist() == [500.0]


def test_a_comma_that_may_be_either_is_refused() -> None:
    with pytest.raises(InputError, match="the dose '1,000 nM' may mean thousands or a decimal comma"):
        doses.to_numbers(pd.Series(["1,000 nM", "10 nM"], dtype="string"))


@pytest.mark.parametrize(
    ("column", "stem"), [("Dose [nM]", "Dose"), ("dose_um", "dose"), ("Conc (µM)", "Conc"), ("atom", "atom"), ("dose", "dose")]
)
def test_a_name_without_its_unit(column: str, stem: str) -> None:
    assert doses.stem_of(column) == stem


@pytest.mark.parametrize(("unit", "words"), [("uM", "µM"), ("nM", "nM"), ("", ""), ("M", "M")])
def test_units_as_people_write_them(unit: str, words: str) -> None:
    assert doses.shown(unit) == words
