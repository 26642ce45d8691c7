"""What was done to which well: platemaps and lists of compounds, joined by the keys they share with the data, and counted.

A table joins by place (source, batch, plate, platemap, well: all that both sides have), by a laboratory's own name of a well, or by an
identifier of the perturbation. Tables may come in any order: one that names the platemap of each plate goes before the platemaps.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import coverage, doses, platemaps, remote, schema, spelling, tables, wells
from impasto.schema import InputError

PLACE = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.PLATE_MAP, schema.WELL)
IDENTIFIERS = (schema.WELL_ID, schema.PERTURBATION, schema.INCHIKEY, schema.PERTURBATION_NAME, schema.GENE, schema.SMILES)
_SAYS_WHAT_WAS_DONE = (
    *(schema.PERTURBATION, schema.PERTURBATION_NAME, schema.CONTROL_TYPE, schema.PERTURBATION_TYPE, schema.CONCENTRATION),
    *(schema.GENE, schema.SMILES, schema.INCHIKEY, schema.PLATE_MAP),
    *(*wells.FLAGS, wells.IS_CONTROL),
)
_MUST_AGREE = (schema.PERTURBATION, schema.CONTROL_TYPE, schema.PLATE_MAP)
"""Where several rows of a list of compounds speak of one compound, these may not differ; others are left out."""


@dataclass(frozen=True)
class Join:
    """One table joined.

    Attributes
    ----------
    table
        Its name.
    keys
        The words by which it was joined.
    found, not_found
        How many wells of the data are in the table, and how many are not.
    unused
        How many of its rows have no data.
    notes
        What was inferred, left out or replaced, in sentences.
    covers
        How far the table and the wells of the data cover each other; None where it was not joined by wells.

    """

    table: str
    keys: tuple[str, ...]
    found: int
    not_found: int
    unused: int
    notes: tuple[str, ...] = ()
    covers: coverage.Coverage | None = None

    def sentence(self) -> str:
        """In words, for the terminal.

        Returns
        -------
        str
            The keys and the numbers.

        """
        missing = f", {self.not_found} not" if self.not_found else ""
        unused = f"; {self.unused} of its rows have no data" if self.unused else ""
        return f"{self.table}: by {' and '.join(self.keys)}: {self.found} of {self.found + self.not_found} wells found{missing}{unused}"


@dataclass
class _Progress:
    """What earlier joins found, a flag for each row: its place is on a platemap; an identifier of it is on a list."""

    mapped: wells.Flags
    listed: wells.Flags
    says_treated: bool = False
    joins: list[Join] = field(default_factory=list)


def read(path: Path, *, columns: Mapping[str, str] | None = None, sheet: str | None = None, encoding: str | None = None) -> pd.DataFrame:
    """A platemap or list of compounds in our words.

    Parameters
    ----------
    path
        Of the table, local or remote.
    columns
        Word -> column, where the user says it.
    sheet
        Of a workbook; see `tables.read`.
    encoding
        Of a text; see `tables.read`.

    Returns
    -------
    pandas.DataFrame
        The table. Its `attrs` say what was inferred (`how`) and which column was taken for which word (`columns`).

    Raises
    ------
    InputError
        The table holds no rows.

    """
    table, how = tables.read(remote.local(path), sheet=sheet, encoding=encoding)
    if table.empty:
        raise InputError(f"{path} holds no rows; it has the columns {schema.listed(table.columns)}")
    how = [*how, *(f"a column without a heading is left out (first: {first!r})" for first in _without_heading(table))]
    table = spelling.annotation(table, where=str(path), columns=columns)
    table.attrs["how"] = how
    return table


def _without_heading(table: pd.DataFrame) -> list[str]:
    """The first value of each column that has no heading, unless it only numbers the rows."""
    columns = [table[name].dropna() for name in table.columns if str(name).startswith("Unnamed")]
    numbered = [pd.api.types.is_integer_dtype(column) and (np.diff(column.to_numpy()) == 1).all() for column in columns]
    return [str(column.iloc[0]) for column, only in zip(columns, numbered, strict=True) if len(column) and not only]


def join(obs: pd.DataFrame, annotation: Sequence[tuple[str, pd.DataFrame]], /) -> tuple[pd.DataFrame, list[Join]]:
    """Join every table by the keys it shares.

    Parameters
    ----------
    obs
        Annotation of n rows, in our words, kinds of wells as they are written.
    annotation
        Names and tables, as `read` gives them.

    Returns
    -------
    obs : pandas.DataFrame
        (n rows) with the columns of all tables; what a table says wins over what was there, where it says something.
    joins : list[Join]
        One a table, in the order in which they were joined.

    Raises
    ------
    InputError
        Where a table shares no key with the data, none of its rows has data, or rows of one well differ.

    """
    index = obs.index
    obs = obs.reset_index(drop=True)
    named = obs[schema.PERTURBATION].notna().to_numpy() if schema.PERTURBATION in obs else np.zeros(len(obs), dtype=bool)
    progress = _Progress(mapped=np.full(len(obs), schema.PERTURBATION in obs), listed=np.zeros(len(obs), dtype=bool))
    plates = set(obs[schema.PLATE].dropna().astype(str)) if schema.PLATE in obs else set[str]()
    waiting = _in_one_unit(obs, platemaps.of_plates(_chained(annotation), plates))
    while waiting:
        name, table, keys = _next(obs, waiting)
        waiting = [(n, t) for n, t in waiting if t is not table]
        by_name = _called_by_name(obs) if schema.PERTURBATION not in table else np.zeros(len(obs), dtype=bool)
        obs = _joined(obs, name, table, keys, progress)
        obs = spelling.named_by_their_names(_without_perturbation(obs, by_name))
    obs = _no_longer_unknown(obs, named)
    if progress.says_treated:
        obs = _unlisted_are_unknown(obs, ~progress.listed)
    obs.index = index
    return obs, progress.joins


def _called_by_name(obs: pd.DataFrame) -> wells.Flags:
    """Rows whose perturbation is its name, for want of an identifier: what renames it renames both."""
    if schema.PERTURBATION not in obs or schema.PERTURBATION_NAME not in obs:
        return np.zeros(len(obs), dtype=bool)
    same = obs[schema.PERTURBATION].astype("string") == obs[schema.PERTURBATION_NAME].astype("string")
    return same.fillna(False).to_numpy(dtype=bool)


def _without_perturbation(obs: pd.DataFrame, rows: wells.Flags) -> pd.DataFrame:
    return obs.assign(**{schema.PERTURBATION: obs[schema.PERTURBATION].mask(pd.Series(rows, index=obs.index))}) if rows.any() else obs


# ---------------------------------------------------------------- order and keys
def _chained(annotation: Sequence[tuple[str, pd.DataFrame]]) -> list[tuple[str, pd.DataFrame]]:
    """The tables, platemaps that belong to a chain (plate -> platemap -> well) as one. A platemap may be named by its file."""
    maps = {
        str(value)
        for _, t in annotation
        if schema.PLATE_MAP in t and schema.WELL not in t
        for value in t[schema.PLATE_MAP].dropna().unique()
    }
    chained: list[tuple[str, pd.DataFrame]] = []
    rest: list[tuple[str, pd.DataFrame]] = []
    for name, table in annotation:
        if schema.WELL in table and schema.PLATE_MAP not in table and Path(name).stem in maps:
            attrs = table.attrs
            table = table.assign(**{schema.PLATE_MAP: pd.Series(Path(name).stem, index=table.index, dtype="string")})
            table.attrs = attrs
        in_chain = schema.WELL in table and schema.PLATE_MAP in table and schema.PLATE not in table
        (chained if in_chain else rest).append((name, table))
    if len(chained) < 2:
        return [*rest, *chained]
    whole = pd.concat([t for _, t in chained], ignore_index=True)
    whole.attrs = chained[0][1].attrs
    return [*rest, (" + ".join(n for n, _ in chained), whole)]


def _in_one_unit(obs: pd.DataFrame, annotation: list[tuple[str, pd.DataFrame]]) -> list[tuple[str, pd.DataFrame]]:
    """The tables with doses in micromolar, where they differ in unit."""
    having = [t for t in (obs, *(t for _, t in annotation)) if schema.CONCENTRATION in t]
    if len({t.attrs["unit"] for t in having if t.attrs.get("unit")}) < 2:
        return annotation
    for table in having:
        if table.attrs.get("unit"):
            table[schema.CONCENTRATION] = doses.in_micromolar(table[schema.CONCENTRATION], table.attrs["unit"])
            table.attrs["unit"] = doses.MICROMOLAR
    return annotation


def _next(obs: pd.DataFrame, waiting: Sequence[tuple[str, pd.DataFrame]]) -> tuple[str, pd.DataFrame, list[str]]:
    """The next table that can be joined, and its keys."""
    for name, table in waiting:
        chain_to_come = schema.PLATE_MAP not in obs and any(schema.PLATE_MAP in t and schema.WELL not in t for _, t in waiting)
        if schema.WELL in table and schema.PLATE_MAP in table and chain_to_come:
            continue
        keys = _place_keys(obs, table)
        if keys:
            return name, table, keys
    for name, table in waiting:
        shared = [k for k in IDENTIFIERS if k in table and k in obs]
        matching = [k for k in shared if set(table[k].dropna().astype(str)) & set(obs[k].dropna().astype(str))]
        if shared and (schema.WELL not in table or schema.WELL not in obs or schema.WELL_ID in matching):
            return name, table, [(matching or shared)[0]]
    name, table = waiting[0]
    raise InputError(
        f"{name} shares no key with the data: it has {schema.listed(list(table.columns)[:8])}, the data have "
        f"{schema.listed(list(obs.columns)[:8])}; say which column is the well: --set columns.well=NAME"
    )


def _place_keys(obs: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    keys = [k for k in PLACE if k in table and k in obs and table[k].notna().any() and obs[k].notna().any()]
    if schema.PLATE in keys and schema.PLATE_MAP in keys and schema.WELL not in keys:
        keys.remove(schema.PLATE_MAP)
    if (schema.WELL in table) != (schema.WELL in keys) or not {schema.PLATE, schema.PLATE_MAP, schema.WELL} & set(keys):
        return []
    # Source and batch may be spelled differently in the two tables; a plate that is one in the data does without them.
    for word in (schema.BATCH, schema.SOURCE):
        fewer = [k for k in keys if k != word]
        if word in keys and not _matches(obs, table, keys) and schema.PLATE in fewer and _matches(obs, table, fewer) and _one_plate(obs):
            keys = fewer
    return keys


def _matches(obs: pd.DataFrame, table: pd.DataFrame, keys: Sequence[str]) -> bool:
    return not obs[list(keys)].astype("string").drop_duplicates().merge(table[list(keys)].astype("string").dropna(), on=list(keys)).empty


def _one_plate(obs: pd.DataFrame) -> bool:
    """Whether the name of a plate alone tells plates apart."""
    return len(obs[wells.keys_of_plate(obs)].drop_duplicates()) == obs[schema.PLATE].nunique(dropna=False)


# ---------------------------------------------------------------- one join
def _joined(obs: pd.DataFrame, name: str, table: pd.DataFrame, keys: list[str], progress: _Progress) -> pd.DataFrame:
    inferred = table.attrs.get("inferred", ())
    table = table[[*keys, *(c for c in table.columns if c not in keys)]]
    there = table[keys].notna().all(axis=1)
    body, notes = _one_row_each(table[there], keys, name)
    blank = int((~there & table.notna().any(axis=1)).sum())
    if blank > 1:
        notes = [*notes, f"{name}: {blank} rows leave {' or '.join(keys)} blank and are not used"]
    new = [c for c in body.columns if c not in keys]
    left = obs[keys].astype("string")
    right = body.astype(dict.fromkeys(keys, "string")).assign(row=np.arange(len(body)))
    row_of = left.merge(right[[*keys, "row"]], on=keys, how="left")["row"]
    rows, hit = row_of.fillna(0).astype(int).to_numpy(), row_of.notna().to_numpy(dtype=bool)
    added = body[new].iloc[rows].reset_index(drop=True) if len(body) else pd.DataFrame(index=obs.index, columns=new)
    added = added.where(pd.Series(hit, index=added.index), pd.NA) if len(new) else added
    lone = table[~there]
    if len(lone) == 1 and len(keys) == 1 and keys[0] in IDENTIFIERS:
        # One row without an identifier speaks of the wells whose identifier the platemap leaves blank (DMSO, in JUMP-Target's files).
        blank = obs[keys[0]].isna().to_numpy() & progress.mapped
        for column in new:
            added[column] = added[column].astype(object).mask(pd.Series(blank), lone[column].iloc[0])
        hit = hit | blank  # a view of a column may not be written to
    if not hit.any():
        raise InputError(_nothing_matches(obs, table, keys, name))
    obs, replaced = _laid_over(obs, added, name)
    _remember(progress, body, keys, hit)
    used = np.zeros(len(body), dtype=bool)
    used[rows[row_of.notna().to_numpy(dtype=bool)]] = True
    count, hits = _count_wells(obs, np.ones(len(obs), dtype=bool)), _count_wells(obs, hit)
    notes = [*inferred, *notes, *replaced]
    covers = coverage.of_join(obs, body, keys)
    progress.joins.append(Join(name, tuple(keys), hits, count - hits, int((~used).sum()), tuple(notes), covers))
    return obs


def _laid_over(obs: pd.DataFrame, added: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """The annotation with what a table says over it, where it says something; what is replaced is counted."""
    notes = []
    for column in added.columns:
        says = added[column].notna()
        values = added[column]
        if column in obs:
            differs = (values.astype("string") != obs[column].astype("string")).fillna(False)
            replaced = int((says & obs[column].notna() & differs).sum())
            if replaced and column in _SAYS_WHAT_WAS_DONE:
                notes.append(f"{name}: {column} of {replaced} rows is replaced by what this table says")
            values = values.astype(object).where(says, obs[column].astype(object))
        obs = obs.assign(**{column: values.convert_dtypes() if values.dtype == object else values})
    return obs, notes


def _one_row_each(body: pd.DataFrame, keys: list[str], name: str) -> tuple[pd.DataFrame, list[str]]:
    """The table with one row a place or compound: rows that agree are one. Raises InputError where they differ in what was done."""
    doubled = body.duplicated(keys, keep=False)
    if not doubled.any():
        return body.reset_index(drop=True), []
    new = [c for c in body.columns if c not in keys]
    several = body[doubled].astype("string").groupby(keys, sort=False)
    differing = [c for c in new if several[c].nunique(dropna=False).max() > 1]
    must_agree = _SAYS_WHAT_WAS_DONE if schema.WELL in keys else _MUST_AGREE
    hard = [c for c in differing if c in must_agree]
    if hard:
        raise InputError(_rows_differ(body, keys, hard, doubled, name))
    left_out = [f"{name}: {', '.join(differing[:4])} differ within {' and '.join(keys)} and are left out"] if differing else []
    return body.drop_duplicates(keys).drop(columns=differing).reset_index(drop=True), left_out


def _rows_differ(body: pd.DataFrame, keys: list[str], hard: list[str], doubled: pd.Series, name: str) -> str:
    first = ", ".join(f"{k} {v}" for k, v in body.loc[doubled, keys].iloc[0].items())
    what = "wells" if schema.WELL in keys else "plates" if schema.PLATE in keys else f"values of {keys[0]}"
    sentence = (
        f"{name}: {int(doubled.sum())} rows describe {len(body.loc[doubled, keys].drop_duplicates())} {what} more than once and differ in "
        f"{', '.join(hard)} (first: {first})"
    )
    apart = [c for c in body.columns if c not in {*keys, *_SAYS_WHAT_WAS_DONE} and not body.duplicated([*keys, c]).any()]
    apart = [c for c in apart if body[c].nunique() < len(body)] or apart
    if apart and schema.PLATE not in keys:
        sentence += f"; the column {apart[0]!r} tells them apart: --set columns.plate={shlex.quote(apart[0])}"
    return f"{sentence}; no row was chosen"


def _nothing_matches(obs: pd.DataFrame, table: pd.DataFrame, keys: list[str], name: str) -> str:
    for key in keys:
        of_data, of_table = ({str(v) for v in t[key].dropna()} for t in (obs, table))
        if not of_data & of_table:
            break
    first = [", ".join(map(str, t[key].dropna().unique()[:3])) for t in (obs, table)]
    return f"{name}: no well of the data is in it by {' and '.join(keys)}: the data have {first[0]}, the table {first[1]}"


def _remember(progress: _Progress, body: pd.DataFrame, keys: list[str], hit: wells.Flags) -> None:
    if schema.WELL in keys:
        progress.mapped = progress.mapped | hit
    words = [c for c in (schema.CONTROL_TYPE, schema.PERTURBATION_TYPE) if c in body]
    progress.says_treated |= any(
        wells.kind_of_word(str(w)) == schema.TRT and str(w).lower() not in schema.PERTURBATION_TYPES
        for c in words
        for w in body[c].dropna().unique()
    )
    if words or schema.WELL not in keys:
        progress.listed = progress.listed | hit


def _count_wells(obs: pd.DataFrame, rows: wells.Flags) -> int:
    places = [*wells.keys_of_plate(obs), schema.WELL] if schema.WELL in obs else []
    return len(obs.loc[rows, places].drop_duplicates()) if places else int(rows.sum())


# ---------------------------------------------------------------- kinds that a join changes
def _no_longer_unknown(obs: pd.DataFrame, named: wells.Flags) -> pd.DataFrame:
    """A well that was unknown only because nobody had named its perturbation may be one of the others, now that a table names it."""
    if schema.CONTROL_TYPE not in obs or schema.PERTURBATION not in obs:
        return obs
    control = obs[schema.CONTROL_TYPE].astype("string")
    named_now = pd.Series(~named & obs[schema.PERTURBATION].notna().to_numpy(), index=obs.index)
    return obs.assign(**{schema.CONTROL_TYPE: control.mask((control == schema.UNKNOWN).fillna(False) & named_now)})


def _unlisted_are_unknown(obs: pd.DataFrame, unlisted: wells.Flags) -> pd.DataFrame:
    """A table that says of some rows that they are treated makes those that it lacks unknown, unless another says what they are."""
    control = obs[schema.CONTROL_TYPE].astype("string") if schema.CONTROL_TYPE in obs else pd.Series(pd.NA, index=obs.index, dtype="string")
    kind = obs[schema.PERTURBATION_TYPE].astype("string") if schema.PERTURBATION_TYPE in obs else pd.Series(pd.NA, index=obs.index)
    silent = control.isna() & kind.isna() & pd.Series(unlisted, index=obs.index)
    return obs.assign(**{schema.CONTROL_TYPE: control.mask(silent, schema.UNKNOWN)}) if silent.any() else obs
