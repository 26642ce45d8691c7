"""How far a platemap and the wells of the data cover each other: wells that it does not describe, and wells of it that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells

NAMED = 5
"""So many wells of each kind are named."""
_SAYS = (schema.PERTURBATION, schema.PERTURBATION_NAME, schema.CONTROL_TYPE, schema.GENE)


@dataclass(frozen=True)
class Coverage:
    """Both directions of one join.

    Attributes
    ----------
    wells, described
        How many wells the data have, and how many of them the table describes.
    rows, present
        How many wells the table fills on plates of the data, and how many of them the data have.
    not_described, not_present
        The first wells without the other side, by name.

    """

    wells: int
    described: int
    rows: int
    present: int
    not_described: tuple[str, ...]
    not_present: tuple[str, ...]


def of_join(obs: pd.DataFrame, table: pd.DataFrame, keys: Sequence[str], /) -> Coverage | None:
    """The coverage of a table that was joined by the places of wells.

    Parameters
    ----------
    obs
        The wells of the data, joined.
    table
        The table, a row a place. A row that says of its well nothing, or that it is empty, fills none.
    keys
        The words by which it was joined.

    Returns
    -------
    Coverage | None
        None where the table was not joined by wells.

    """
    if schema.WELL not in keys:
        return None
    keys = list(keys)
    of_data = obs[[*wells.keys_of_plate(obs), *(k for k in keys if k not in wells.keys_of_plate(obs))]].astype("string").drop_duplicates()
    filled = table.loc[_filled(table), keys].astype("string").drop_duplicates()
    plates = of_data.drop(columns=schema.WELL).drop_duplicates()
    shared = [key for key in keys if key != schema.WELL]
    expected = plates.merge(filled, on=shared, how="inner") if shared else plates.merge(filled, how="cross")
    described = of_data.merge(table[keys].astype("string").drop_duplicates().assign(there=True), on=keys, how="left")["there"].notna()
    both = list(of_data.columns)
    present = expected.merge(of_data.assign(there=True), on=both, how="left")["there"].notna()
    return Coverage(
        *(len(of_data), int(described.sum()), len(expected), int(present.sum())),
        *(_names(of_data[~described.to_numpy()]), _names(expected[~present.to_numpy()])),
    )


def _filled(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Rows that say what was done to their well; all, where no column of the table does."""
    words = [word for word in _SAYS if word in table]
    if not words:
        return np.ones(len(table), dtype=bool)
    filled = table[words].notna().any(axis=1).to_numpy(dtype=bool)
    if schema.CONTROL_TYPE in table:
        kinds = table[schema.CONTROL_TYPE].astype("string").fillna("").map(lambda word: wells.kind_of_word(str(word)))
        filled = filled & ~(kinds == wells.kind_of_word("empty")).to_numpy(dtype=bool)
    return filled


def _names(places: pd.DataFrame) -> tuple[str, ...]:
    shown = [word for word in (schema.PLATE, schema.WELL) if word in places]
    rows = places.sort_values(shown, kind="stable")[shown].head(NAMED)
    return tuple(" ".join(str(value) for value in row if pd.notna(value)) for row in rows.itertuples(index=False))
