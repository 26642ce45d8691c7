"""Doses as numbers: units in a column's name (`Conc (µM)`) or in its cells (`500 nM`)."""

from __future__ import annotations

import re

import pandas as pd

MICROMOLAR = "uM"
_PER_MICROMOLAR = {"m": 1e6, "mm": 1e3, "um": 1.0, "nm": 1e-3, "pm": 1e-6}
_CELL = re.compile(r"^\s*(?P<number>[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?)\s*(?P<unit>[munpµμ]?[Mm])?\s*$")
_NAME = re.compile(r"^(?P<stem>.*?)[\s_(\[-]*(?P<unit>[munpµμ]?[Mm])[\s)\]]*$")


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
    stem = re.sub(r"[^a-z]", "", name["stem"].lower()) if name else ""
    return _plain(name["unit"]) if name and stem.endswith(("dose", "conc", "concentration")) else ""


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
    numbers : Series of float, shape (n,)
        The doses. A column in which a cell is no number comes back as it was.
    unit : str
        The unit of the column's name; micromolar where cells name units of their own.

    """
    if pd.api.types.is_numeric_dtype(column):
        return column, unit
    parts = column.astype("string").str.extract(_CELL)
    if (parts["number"].isna() & column.notna()).any():
        return column, unit
    numbers = pd.to_numeric(parts["number"].str.replace(",", "."))
    if parts["unit"].isna().all():
        return numbers.astype(float), unit
    # A cell without a unit has the unit of the column.
    factors = parts["unit"].map(_plain, na_action="ignore").fillna(unit or MICROMOLAR).str.lower().map(_PER_MICROMOLAR)
    return (numbers.astype(float) * factors.astype(float)).round(12), MICROMOLAR


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
    Series of float, shape (n,)
        In micromolar; as they are where the unit is not known.

    """
    factor = _PER_MICROMOLAR.get(unit.lower(), 1.0)
    return numbers if factor == 1.0 else (pd.to_numeric(numbers, errors="coerce") * factor).round(12)


def _plain(unit: str) -> str:
    return unit.replace("µ", "u").replace("μ", "u").removesuffix("m") + ("M" if unit.endswith("m") else "")
