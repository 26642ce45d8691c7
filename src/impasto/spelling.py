"""Which column of a lab's table means what: its annotation in our words, its features, its bookkeeping.

The words are `schema`'s. A column is found by its spelling (with or without a `Metadata_` prefix) unless the user says which it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from impasto import feature_names, schema
from impasto.schema import InputError

PREFIX = "Metadata_"
_PREFIXES = ("Image_Metadata_", "Metadata_", "metadata_", "meta_")
_NOT_FEATURES = re.compile(r"(^|_)(Location|Number|Parent|Children)_|^(ImageNumber|ObjectNumber|TableNumber)$")
_NAMES = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE, schema.PERTURBATION)


@dataclass(frozen=True)
class Sorted:
    """A table in two: what was done to the cells (`obs`, in our words) and the names of its feature columns.

    `taken`: word -> the column that was taken for it. `left_out`: positions and object numbers, neither annotation nor features.
    """

    obs: pd.DataFrame
    features: list[str]
    taken: dict[str, str]
    left_out: list[str]


def sort(
    frame: pd.DataFrame, *, where: str, chosen: Mapping[str, str] | None = None, features: str | None = None, annotation: Sequence[str] = ()
) -> Sorted:
    """Tell the annotation of a table from its features. See `profiles.from_frame` for the arguments."""
    named = {column: _bare(column) for column in map(str, frame.columns)}
    annotated = [c for c in named if named[c] != c or c in set(annotation)]
    taken = _find_words(list(named), named, chosen=chosen or {}, where=where)
    feature_columns = _feature_columns(frame, features, annotation={*annotated, *taken.values()}, where=where)
    words = {column: word for word, column in taken.items()}
    left_out = [c for c in frame.columns if c not in {*annotated, *taken.values()} and _NOT_FEATURES.search(str(c))]
    kept = [c for c in frame.columns if c not in {*feature_columns, *left_out}]
    obs = frame[kept].rename(columns=lambda c: words.get(c, named[c]))
    if not obs.columns.is_unique:
        doubled = obs.columns[obs.columns.duplicated()][0]
        raise InputError(f"{where}: two columns mean {doubled!r}; say which one with --set columns.{doubled}=NAME")
    return Sorted(normal_values(obs, where=where), feature_columns, taken, left_out)


def annotation(table: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """A table of annotation only (a platemap, a list of compounds), its columns renamed to our words."""
    named = {column: _bare(column) for column in map(str, table.columns)}
    words = {column: word for word, column in _find_words(list(named), named, chosen={}, where=where).items()}
    table = table.rename(columns=lambda c: words.get(str(c), named[str(c)]))
    if schema.WELL in table:
        try:
            table[schema.WELL] = [schema.normal_well(w) for w in table[schema.WELL]]
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    return table


def normal_values(obs: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """Wells as `A01`, control and perturbation types in our words; what was there before is kept as `<name>_original`."""
    obs = obs.copy()
    if schema.WELL in obs:
        try:
            obs[schema.WELL] = obs[schema.WELL].astype("string").map(schema.normal_well, na_action="ignore")
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    control = _control_types(obs)
    kind = _perturbation_types(obs)
    for word, normal in ((schema.CONTROL_TYPE, control), (schema.PERTURBATION_TYPE, kind)):
        if normal is None:
            continue
        if word in obs and not obs[word].astype("string").equals(normal):
            obs[f"{word}_original"] = obs[word]
        obs[word] = normal
    if schema.PERTURBATION not in obs and schema.PERTURBATION_NAME in obs:
        obs[schema.PERTURBATION] = obs[schema.PERTURBATION_NAME]
    for word in _NAMES:
        if word in obs and word != schema.WELL:
            obs[word] = obs[word].astype("string")
    return obs


def names(columns: Sequence[str]) -> list[str]:
    """The columns that hold names of places and perturbations: text, even where all of them are digits."""
    spellings = {spelling for word in _NAMES for spelling in schema.ALIASES[word]}
    return [column for column in columns if _bare(column).lower() in spellings]


def prefixed(obs: pd.DataFrame, *, spelled: Mapping[str, str]) -> pd.DataFrame:
    """Annotation as other programs spell it on disk: `spelled` maps our words to theirs, every column begins with `Metadata_`.

    Raises InputError where two columns would share a name.
    """
    named = obs.rename(columns=lambda c: PREFIX + spelled.get(c, c))
    if not named.columns.is_unique:
        doubled = named.columns[named.columns.duplicated()][0]
        raise InputError(f"two columns of the annotation would both be named {doubled!r}; rename one of them")
    return named


def _bare(column: str) -> str:
    return next((column[len(p) :] for p in _PREFIXES if column.startswith(p)), column)


def _find_words(columns: list[str], named: Mapping[str, str], *, chosen: Mapping[str, str], where: str) -> dict[str, str]:
    """Which column means which word: those the user chose, then by spelling, the first spelling of the list winning."""
    taken: dict[str, str] = {}
    for word, column in chosen.items():
        schema.one_of(word, schema.ALIASES, what="word for a column")
        match = column if column in columns else next((c for c in columns if named[c] == column), None)
        if match is None:
            raise InputError(f"{where}: there is no column {column!r} for {word!r}{schema.nearest(column, columns)}")
        taken[word] = match
    for word, spellings in schema.ALIASES.items():
        for spelling in spellings:
            found = [c for c in columns if named[c].lower() == spelling and c not in taken.values()]
            if word not in taken and found:
                taken[word] = found[0]
    return taken


def _feature_columns(frame: pd.DataFrame, pattern: str | None, *, annotation: set[str], where: str) -> list[str]:
    if pattern is not None:
        chosen = [c for c in frame.columns if re.search(pattern, str(c))]
        text = [c for c in chosen if not pd.api.types.is_numeric_dtype(frame[c])]
        if text:
            raise InputError(f"{where}: feature {text[0]!r} is not numeric (first value {frame[text[0]].iloc[0]!r})")
    else:
        # A measurement that came as text (one stray word in a CSV) must not become annotation unseen.
        for c in frame.columns:
            if c not in annotation and feature_names.parse(str(c)).known and not pd.api.types.is_numeric_dtype(frame[c]):
                bad = frame[c][pd.to_numeric(frame[c], errors="coerce").isna() & frame[c].notna()]
                raise InputError(
                    f"{where}: feature {c!r} is not numeric: row {bad.index[0]} holds {bad.iloc[0]!r}; mend or drop the column"
                )
        chosen = [
            c
            for c in frame.columns
            if c not in annotation
            and pd.api.types.is_numeric_dtype(frame[c])
            and frame[c].dtype != bool
            and not _NOT_FEATURES.search(str(c))
        ]
    if not chosen:
        raise InputError(f"{where}: no feature columns found; features are the numeric columns without a {PREFIX} prefix")
    return [str(c) for c in chosen]


_CONTROL_SPELLINGS = {"control": schema.NEGCON, "nc": schema.NEGCON, "dmso": schema.NEGCON, "treatment": schema.TRT}


def _control_word(value: str) -> str | None:
    value = value.strip().lower()
    for word in schema.CONTROL_TYPES:
        if value == word or value.startswith(word + "_"):
            return word
    return _CONTROL_SPELLINGS.get(value)


def _control_types(obs: pd.DataFrame) -> pd.Series | None:
    """negcon, poscon, trt or empty of every row, from control_type, pert_type or is_negcon, whichever are there."""
    known = pd.Series(pd.NA, index=obs.index, dtype="string")
    for column in (schema.CONTROL_TYPE, schema.PERTURBATION_TYPE):
        if column in obs:
            found = obs[column].astype("string").map(_control_word, na_action="ignore").astype("string")
            known = known.fillna(found)
    if "is_negcon" in obs:
        known = known.mask(obs["is_negcon"].fillna(False).astype(bool), schema.NEGCON)
    return known.fillna(schema.TRT) if known.notna().any() else None


def _perturbation_types(obs: pd.DataFrame) -> pd.Series | None:
    if schema.PERTURBATION_TYPE not in obs:
        return None
    kind = obs[schema.PERTURBATION_TYPE].astype("string").str.lower()
    return kind.where(kind.isin(schema.PERTURBATION_TYPES)) if kind.isin(schema.PERTURBATION_TYPES).any() else None
