"""Doses as numbers: units in a column's name (`Conc (µM)`) or in its cells (`500 nM`)."""

from __future__ import annotations

import math
import re

import pandas as pd

from impasto import schema
from impasto.schema import InputError

MICROMOLAR = "uM"
_PER_MICROMOLAR = {"m": 1e6, "mm": 1e3, "um": 1.0, "nm": 1e-3, "pm": 1e-6}
_UNIT = r"(?P<unit>[munpµμ]?(?:[Mm]|mol/[lL]))"
_CELL = re.compile(rf"^\s*(?P<number>[-+]?(?:\d+[.,]?|\d*[.,]\d+)(?:[eE][-+]?\d+)?)\s*{_UNIT}?\s*$")
_NAME = re.compile(rf"^(?P<stem>.*?)[\s_(\[,-]*(?:\bin )?{_UNIT}[\s)\]]*$")
_THOUSANDS = re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:,\d{{3}})+(?:[.]\d+)?\s*{_UNIT}?")
_SPELLINGS = tuple(sorted({schema.letters(spelling) for spelling in schema.ALIASES[schema.CONCENTRATION]}))


def unit_of(column: str, /) -> str:
    """The unit that a column's name ends with (`Dose [nM]` -> `nM`).

    Parameters
    ----------
    column
        The name of a column.

    Returns
    -------
    str
        `""` where the name holds no unit, or is not that of a dose.

    """
    name = _NAME.match(column)
    return _plain(name["unit"]) if name and schema.letters(name["stem"]).endswith(_SPELLINGS) else ""


def stem_of(column: str, /) -> str:
    """A column's name without its unit (`Dose [nM]` -> `Dose`).

    Parameters
    ----------
    column
        The name of a column.

    Returns
    -------
    str
        The name as it is where it holds no unit.

    """
    name = _NAME.match(column)
    return name["stem"] if name and unit_of(column) else column


def shown(unit: str, /) -> str:
    """A unit as people write it (`uM` -> `µM`).

    Parameters
    ----------
    unit
        As this module writes it.

    Returns
    -------
    str
        With the Greek letter for micro.

    """
    return unit.replace("u", "µ", 1) if unit == MICROMOLAR else unit


def to_numbers(column: pd.Series, /, *, unit: str = "") -> tuple[pd.Series, str]:
    """Doses as numbers.

    Parameters
    ----------
    column
        (n,) numbers, or text with a unit in some cells.
    unit
        The unit of cells that name none, from the column's name.

    Returns
    -------
    numbers : pd.Series
        (n,) of float. The doses. A cell that is no amount is missing: no number (`<LOD`), below zero (a logarithm), or infinite.
        A column without any number comes back as it was.
    unit : str
        The unit of the column's name; micromolar where cells name units of their own.

    Raises
    ------
    InputError
        A comma may stand before thousands as well as before decimals (`1,000 nM`).

    """
    if pd.api.types.is_numeric_dtype(column):
        return _amounts(column), unit
    parts = _without_thousands(column.astype("string").str.strip()).str.extract(_CELL)
    if parts["number"].isna().all():
        return column, unit
    numbers = _amounts(pd.to_numeric(parts["number"].str.replace(",", ".")))
    if parts["unit"].isna().all():
        return numbers.astype(float), unit
    # A cell without a unit has the unit of the column.
    factors = parts["unit"].map(_plain, na_action="ignore").fillna(unit or MICROMOLAR).str.lower().map(_PER_MICROMOLAR)
    return (numbers.astype(float) * factors.astype(float)).round(12), MICROMOLAR


def _amounts(numbers: pd.Series) -> pd.Series:
    """Missing where a number is below zero or infinite; the same column where all are amounts."""
    allowed = numbers.isna() | ((numbers >= 0) & (numbers < math.inf))
    return numbers if allowed.all() else numbers.where(allowed)


def with_units(column: pd.Series, units: pd.Series, /) -> pd.Series:
    """Doses as text with the units that another column gives.

    Parameters
    ----------
    column
        (n,) doses.
    units
        (n,) the unit of each cell; empty or missing where there is none.

    Returns
    -------
    pd.Series
        (n,) of text, such as `500 nM`. A cell without a unit stays. All stay where the other column holds one word that is no unit.

    Raises
    ------
    InputError
        Several units stand there, and one of them is not known.

    """
    written = units.astype("string").str.strip().replace("", pd.NA)
    known = written.dropna().str.fullmatch(_UNIT)
    if not known.all():
        if len(written.dropna().unique()) > 1:
            strange = written.dropna()[~known].iloc[0]
            raise InputError(f"doses have several units, and {strange!r} is none that is known; allowed: pM, nM, uM, mM, M")
        return column
    return column.astype("string").str.strip().where(written.isna(), column.astype("string").str.strip() + " " + written)


def in_micromolar(numbers: pd.Series, unit: str, /) -> pd.Series:
    """Doses in micromolar.

    Parameters
    ----------
    numbers
        (n,) doses in `unit`.
    unit
        `M`, `mM`, `uM`, `nM` or `pM`, in either case.

    Returns
    -------
    pd.Series
        (n,) of float. In micromolar; as they are where the unit is not known.

    """
    factor = _PER_MICROMOLAR.get(unit.lower(), 1.0)
    return numbers if factor == 1.0 else (pd.to_numeric(numbers, errors="coerce") * factor).round(12)


def _without_thousands(cells: pd.Series) -> pd.Series:
    """The cells without commas before thousands. Raises InputError where they may as well be decimal commas."""
    likely = cells.str.fullmatch(_THOUSANDS).fillna(False)
    if not likely.any():
        return cells
    others = cells[~likely].dropna()
    if cells[likely].str.contains(r",.*[,.]").any() or others.str.contains(r"\d[.]\d").any():
        return cells.mask(likely, cells.str.replace(",", "", regex=False))
    if others.str.contains(r"\d,\d").any():
        return cells
    raise InputError(
        f"the dose {cells[likely].iloc[0]!r} may mean thousands or a decimal comma, and no other dose tells; write it without a comma"
    )


def _plain(unit: str) -> str:
    written = re.sub("mol/[lL]$", "M", unit.replace("µ", "u").replace("μ", "u"))
    return written[:-1] + "M" if written.endswith("m") else written
