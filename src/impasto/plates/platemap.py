"""Platemaps and annotation tables: what is in each well, joined by plate and well, then by perturbation.

A table with a well column is a platemap: with a plate column it speaks of those plates, without one of every plate. A table
without a well is annotation and joins by whatever identifier it shares with what is known so far (broad_sample, JCP2022...).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from impasto import schema, spelling
from impasto.schema import InputError


def read(path: Path) -> pd.DataFrame:
    """A platemap or annotation table in the schema's words. Raises InputError with the file's name."""
    try:
        table = pd.read_csv(
            path,
            sep="\t" if ".tsv" in path.name or path.suffix == ".txt" else ",",
            low_memory=False,
            na_values=["NA", ""],
            keep_default_na=False,
        )
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path of the platemap") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a table ({error}); a platemap is a CSV or TSV with a column well") from None
    return spelling.annotation(table, where=str(path))


def join(wells: pd.DataFrame, tables: Sequence[tuple[Path, pd.DataFrame]]) -> pd.DataFrame:
    """Add each table's columns to `wells` (one row a plate and well), in order.

    Raises InputError where a platemap names a well twice, or its wells and the data's have nothing in common.
    """
    for path, table in tables:
        keys = [k for k in (schema.PLATE, schema.WELL) if k in table] if schema.WELL in table else _shared(wells, table, path)
        doubled = table.duplicated(keys, keep=False) & table[keys].notna().all(axis=1)
        if doubled.any():
            first = ", ".join(f"{k} {v}" for k, v in table.loc[doubled, keys].iloc[0].items())
            raise InputError(f"{path}: {int(doubled.sum())} rows share their {' and '.join(keys)} (first: {first}); keep one row of each")
        table = table[table[keys].notna().all(axis=1)]
        common = wells[keys].merge(table[keys], on=keys)
        if common.empty:
            mine, theirs = (", ".join(map(str, t[keys[0]].unique()[:3])) for t in (wells, table))
            raise InputError(
                f"{path}: none of its {len(table)} rows matches by {' and '.join(keys)}: the data have {mine}, the table has {theirs}"
            )
        new = [c for c in table.columns if c not in keys]
        joined = wells.drop(columns=[c for c in new if c in wells]).merge(table, on=keys, how="left", validate="many_to_one")
        for column in set(new) & set(wells):
            joined[column] = joined[column].fillna(wells[column])
        wells = joined
    return spelling.normal_values(wells, where="the platemap")


def unmatched(wells: pd.DataFrame, table: pd.DataFrame) -> tuple[int, int]:
    """How many wells of the data the platemap does not name, and how many of its wells have no data."""
    keys = [k for k in (schema.PLATE, schema.WELL) if k in table]
    both = wells[keys].drop_duplicates().merge(table[keys].drop_duplicates(), on=keys, how="outer", indicator=True)
    return int((both["_merge"] == "left_only").sum()), int((both["_merge"] == "right_only").sum())


def _shared(wells: pd.DataFrame, table: pd.DataFrame, path: Path) -> list[str]:
    for key in (schema.PERTURBATION, schema.INCHIKEY, schema.PERTURBATION_NAME, schema.GENE):
        if key in wells and key in table:
            return [key]
    theirs, mine = (", ".join(map(str, t.columns[:8])) for t in (table, wells))
    raise InputError(f"{path} has neither a well nor an identifier that the data have; it has {theirs}, the data have {mine}")
