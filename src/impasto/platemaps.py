"""Platemaps that do not say their plate in a column: it may be the name of their file, or the title of each grid."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from impasto import schema
from impasto.schema import InputError

Named = tuple[str, pd.DataFrame]
_WHAT = (schema.PERTURBATION, schema.PERTURBATION_NAME, schema.CONTROL_TYPE, schema.CONCENTRATION)


def of_plates(annotation: Sequence[Named], plates: Collection[str], /) -> list[Named]:
    """The same tables, each with the plate that it speaks of where its grids or its file's name tell it.

    Parameters
    ----------
    annotation
        Names and tables in our words.
    plates
        The plates of the data.

    Returns
    -------
    list[Named]
        The tables in their order; `attrs["inferred"]` holds, in sentences, what was inferred.

    Raises
    ------
    InputError
        Several platemaps name no plate and differ in what they say of the same wells.

    """
    tables = [(name, _of_grids(name, table, plates)) for name, table in annotation]
    without = [at for at, (_, table) in enumerate(tables) if _names_no_plate(table) and not set(_WHAT).isdisjoint(table)]
    if len(without) < 2:
        return tables
    own = {at: _plate_in(Path(tables[at][0]).stem, plates) for at in without}
    if all(own.values()) and len(set(own.values())) == len(own):
        for at, plate in own.items():
            name, table = tables[at]
            tables[at] = (
                name,
                _with_sentence(table, table.assign(**{schema.PLATE: plate}), f"{name}: of plate {plate}, by the file's name"),
            )
        return tables
    for (name, table), (other, second) in itertools.combinations([tables[at] for at in without], 2):
        _refuse_differing(name, table, other, second)
    return tables


def _names_no_plate(table: pd.DataFrame) -> bool:
    return schema.WELL in table and schema.PLATE not in table and schema.PLATE_MAP not in table


def _of_grids(name: str, table: pd.DataFrame, plates: Collection[str]) -> pd.DataFrame:
    """Grids whose titles are plates, one below the other: what each holds was done to the cells."""
    titles = [column for column in table if column != schema.WELL]
    if not _names_no_plate(table) or not titles or not set(titles) <= set(plates):
        return table
    long = table.melt(schema.WELL, titles, var_name=schema.PLATE, value_name=schema.PERTURBATION_NAME)
    long[schema.PERTURBATION_NAME] = long[schema.PERTURBATION_NAME].astype("string")
    return _with_sentence(table, long, f"{name}: its grids are plates ({', '.join(titles)}) and hold {schema.PERTURBATION_NAME}")


def _with_sentence(before: pd.DataFrame, after: pd.DataFrame, sentence: str) -> pd.DataFrame:
    after.attrs = {**before.attrs, "inferred": [*before.attrs.get("inferred", ()), sentence]}
    return after


def _plate_in(stem: str, plates: Collection[str]) -> str:
    """The one plate that a file's name is, or holds between other words (`layout_P1`); nothing where there is none, or more than one."""
    if stem in plates:
        return stem
    inside = [plate for plate in plates if re.search(rf"(?<![A-Za-z0-9]){re.escape(plate)}(?![A-Za-z0-9])", stem)]
    return inside[0] if len(inside) == 1 else ""


def _refuse_differing(name: str, table: pd.DataFrame, other: str, second: pd.DataFrame) -> None:
    for column in _WHAT:
        if column not in table or column not in second:
            continue
        both = table[[schema.WELL, column]].merge(second[[schema.WELL, column]], on=schema.WELL, suffixes=("", "_second")).dropna()
        differs = both[both[column].astype("string") != both[f"{column}_second"].astype("string")]
        if len(differs):
            raise InputError(
                f"{name} and {other} name no plate and differ in {column} of {len(differs)} wells (first: well "
                f"{differs[schema.WELL].iloc[0]}); name each file by its plate, or give it a column 'plate'"
            )
