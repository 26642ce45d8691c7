"""Tables of profiles for an ingest: read, brought to one row a site or a cell, stacked; rows of one place are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anndata
import numpy as np
import pandas as pd

from impasto import doses, profiles, schema, tables, wells
from impasto.schema import InputError
from impasto.spelling import Choices

Level = Literal["site", "cell"]


@dataclass(frozen=True)
class Opening:
    """How tables are opened.

    Attributes
    ----------
    choices
        What the user says of columns.
    layer
        Of an AnnData; None: its values.
    level
        Of a table of cells: medians of its sites, or a row a cell. None: such a table is refused.
    sheet
        Of a workbook.
    encoding
        Of a text; None: inferred from its bytes.

    """

    choices: Choices = field(default_factory=Choices)
    layer: str | None = None
    level: Level | None = None
    sheet: str | None = None
    encoding: str | None = None


def read(sources: Sequence[Path], /, *, opening: Opening, elsewhere: Sequence[str] = ()) -> tuple[list[anndata.AnnData], list[str]]:
    """Every table as Profiles, kinds of wells as they are written, and what was inferred.

    Parameters
    ----------
    sources
        Files and folders of profiles.
    opening
        How they are opened.
    elsewhere
        Words whose column, as the user named it, may stand in a platemap instead.

    Returns
    -------
    parts : list[anndata.AnnData]
        One a source.
    notes : list[str]
        What was inferred, in sentences.

    """
    parts, notes = [], []
    for source in sources:
        choices = _of_this_table(source, opening.choices, elsewhere)
        table = profiles.read(
            source,
            columns=choices.columns,
            features=choices.features,
            annotation=choices.annotation,
            leave_out=choices.leave_out,
            layer=opening.layer,
            sheet=opening.sheet,
            encoding=opening.encoding,
            kinds=False,
        )
        notes += [f"{source}: {line}" for line in table.uns["read_as"]]
        table, more = _at_level(table, opening.level, where=str(source))
        notes += [f"{source}: {table.n_obs} rows, {table.n_vars} features", *more]
        taken = ", ".join(f"{word} = {column}" for word, column in table.uns["columns"].items())
        notes.append(f"{source}: {taken or 'no column is known by its spelling'}")
        refuse_doubled_wells(table, where=str(source))
        parts.append(table)
    return parts, notes


def _of_this_table(source: Path, choices: Choices, elsewhere: Sequence[str]) -> Choices:
    names = {name.removeprefix("Metadata_") for name in tables.columns(source)} if elsewhere else set[str]()
    columns = {w: c for w, c in choices.columns.items() if w not in elsewhere or not names or c.removeprefix("Metadata_") in names}
    return Choices(columns, choices.features, choices.annotation, choices.leave_out)


def stacked(parts: Sequence[anndata.AnnData], /) -> tuple[anndata.AnnData, list[str]]:
    """The tables one below the other, over the features that all have.

    Parameters
    ----------
    parts
        One table or more. Where their doses differ in unit, these are changed to micromolar.

    Returns
    -------
    whole : anndata.AnnData
        The rows of all.
    notes : list[str]
        How many features are common, and how many are dropped.

    """
    if len(parts) == 1:
        return parts[0], []
    units = {part.uns.get("concentration_unit", "") for part in parts if schema.CONCENTRATION in part.obs}
    for part in parts:
        if len(units) > 1 and schema.CONCENTRATION in part.obs:
            part.obs[schema.CONCENTRATION] = doses.in_micromolar(part.obs[schema.CONCENTRATION], part.uns.get("concentration_unit", ""))
    whole = profiles.join_common(parts)
    refuse_doubled_wells(whole, where="the tables together")
    notes = [f"{whole.n_vars} features are common to the {len(parts)} tables; {whole.uns['features_dropped']} others are dropped"]
    return whole, notes


def _at_level(table: anndata.AnnData, level: Level | None, *, where: str) -> tuple[anndata.AnnData, list[str]]:
    """A table with a row a cell as medians of its sites (or wells), or as it is, as the user says."""
    keys = [key for key in wells.SITE_KEYS if key in table.obs and key != schema.OBJECT]
    objects = [c for c in table.obs.columns if c.replace("_", "").lower().endswith("objectnumber")]
    doubled = table.obs.duplicated([k for k in keys if k != schema.OBJECT], keep=False) if keys else pd.Series(False, index=table.obs.index)
    holds_cells = bool(objects) and schema.WELL in keys and bool(doubled.any())
    if not holds_cells:
        return table, []
    places = len(table.obs[keys].drop_duplicates())
    of = "sites" if schema.SITE in keys else "wells"
    if level is None:
        raise InputError(
            f"{where} holds a row a cell ({table.n_obs} rows, {places} {of}); --level site for medians and counts, --level cell to keep "
            "them"
        )
    if level == "cell":
        numbers = table.obs[objects[0]].astype("string")
        unique = not pd.concat([table.obs[keys], numbers.rename(schema.OBJECT)], axis=1).duplicated().any()
        numbered = numbers if unique else (table.obs.groupby(keys, sort=False, dropna=False).cumcount() + 1).astype("string")
        table.obs[schema.OBJECT] = numbered
        return table, [f"{where}: a row a cell, kept ({places} {of})"]
    cells = table.n_obs
    sites = profiles.aggregate(table, by=keys, statistic="median")
    counted = sites.obs.pop("n_rows")
    sites.obs[schema.CELL_COUNT] = counted
    for key in keys:
        sites.obs[key] = sites.obs[key].replace("", pd.NA)
    return sites, [f"{where}: {cells} cells became medians of {places} {of}; cell_count holds their numbers"]


def refuse_doubled_wells(table: anndata.AnnData, *, where: str) -> None:
    """Refuse a table in which two rows are the same well of the same plate, batch and source.

    Parameters
    ----------
    table
        Rows of wells, sites or cells. Those of one well may differ in site, object or time.
    where
        The name of the table, for the sentence.

    Raises
    ------
    InputError
        Two rows share their place.

    """
    keys = [k for k in (*wells.SITE_KEYS, schema.TIME_H) if k in table.obs]
    if schema.WELL not in keys or schema.PLATE not in keys:
        return
    doubled = table.obs.duplicated(keys, keep=False) & table.obs[schema.WELL].notna()
    if doubled.any():
        plate, well = table.obs.loc[doubled, [schema.PLATE, schema.WELL]].iloc[0]
        raise InputError(
            f"{where}: {int(doubled.sum())} rows share their plate and well (first: plate {plate}, well {well}); keep one row a well, or "
            "say which columns tell them apart: --set columns.site=NAME or --set columns.batch=NAME"
        )


def warnings(table: anndata.AnnData, /) -> list[str]:
    """What later stages will stumble over, counted now.

    Parameters
    ----------
    table
        Profiles.

    Returns
    -------
    list[str]
        Sentences about values that are missing, infinite or above 1,000.

    """
    values = profiles.dense(table)
    notes = []
    bad = ~np.isfinite(values)
    if bad.any():
        worst = table.var_names[int(bad.sum(axis=0).argmax())]
        columns = int(bad.any(axis=0).sum())
        notes.append(
            f"{columns} features hold missing or infinite values ({bad.mean():.2%} of all; most in {worst}): correct --method select"
        )
    large = np.abs(values[~bad]).max(initial=0.0)
    if large > 1e3:
        notes.append(f"the largest value is {large:.3g}: clip before comparing (correct --method clip)")
    return notes
