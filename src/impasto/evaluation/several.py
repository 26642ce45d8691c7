"""Several tables of profiles under one task: raw beside corrected, one encoder beside another.

The shortcut baselines depend on the wells only. They are kept once where all tables hold the same wells; where tables hold different
wells, each set of baselines carries the name of the table it belongs to.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import anndata
import pandas as pd

from impasto import schema, wells
from impasto.cells.folder import Cells
from impasto.evaluation import TASKS, baselines, inputs
from impasto.evaluation.result import OWN, Result, joined
from impasto.sampling.rows import rows_of
from impasto.schema import InputError, nearest
from impasto.signatures import of_function

Task = Callable[..., Result]
Scorable: TypeAlias = anndata.AnnData | Cells
"""What a task scores: profiles, or for those of `evaluation.OF_CELLS` cells."""
BASELINES = "with_baselines"
"""The setting of a task that leaves its baselines out."""


def labels_of(paths: Sequence[Path], /, *, labels: Sequence[str] = ()) -> list[str]:
    """A name for every table: those given; else the stem of each file, with its folder before it where stems are equal.

    Parameters
    ----------
    paths
        Files of profiles.
    labels
        One name a file, or none.

    Returns
    -------
    list[str]
        As many names, all different; `profiles` for one table alone.

    Raises
    ------
    InputError
        Where two tables would share a name.

    """
    if labels and len(labels) != len(paths):
        raise InputError(f"{len(labels)} labels for {len(paths)} tables of profiles; give one label a table")
    if not labels and len(paths) == 1:
        return [OWN]
    stems = [path.stem for path in paths]
    names = list(labels) or [
        stem if stems.count(stem) == 1 else f"{path.resolve().parent.name}/{stem}" for path, stem in zip(paths, stems, strict=True)
    ]
    for first, name in enumerate(names):
        for second in range(first + 1, len(names)):
            if names[second] == name:
                raise InputError(
                    f"the tables {paths[first]} and {paths[second]} would both be called {name!r}, so one would hide the other; "
                    "rename one of the files, or name each with labels = [...] in a recipe"
                )
    return names


def checked(task: str | Task, given: Mapping[str, Any], /) -> dict[str, Any]:
    """Settings as the task's signature declares them.

    Parameters
    ----------
    task
        A name, or a function as the tasks are.
    given
        Setting -> plain value.

    Returns
    -------
    dict[str, Any]
        The checked values of those given.

    Raises
    ------
    InputError
        On an unknown word, a value of the wrong kind, or a missing setting.

    """
    function = TASKS.resolve(task)
    name = task if isinstance(task, str) else task.__name__
    kind = of_function(function)
    for word in given:
        if word not in kind.model_fields:
            allowed = [*kind.model_fields, "columns"]
            raise InputError(f"{name} takes no option {word!r}{nearest(word, allowed)}; allowed: {', '.join(allowed)}")
    for word, field in kind.model_fields.items():
        if field.is_required() and word not in given:
            raise InputError(f"{name} needs the option {word!r}; give it with --set {word}=..., in a recipe under options")
    chosen = kind.read(given, where=f"the options of {name}")
    return {word: getattr(chosen, word) for word in given}


@dataclass(frozen=True)
class Scored:
    """The result of one table.

    Attributes
    ----------
    label
        The name of the table.
    wells
        What its wells are, as a digest.
    result
        Its scores.

    """

    label: str
    wells: str
    result: Result


def evaluate(
    task: str | Task,
    tables: Iterable[tuple[str, Scorable]],
    /,
    *,
    settings: Mapping[str, Any] | None = None,
    part: str | None = None,
    only: Mapping[str, Sequence[str]] | None = None,
    state: str = "",
) -> Result:
    """Score several tables by one task, side by side.

    Parameters
    ----------
    task
        A name, or a function as the tasks are.
    tables
        Name and profiles of each; read one at a time where the iterable does so.
    settings
        Of the task, by name.
    part
        Only the rows of this part of the column `split`, with the negative controls to compare them with.
    only
        Only the rows whose columns hold these values: column -> values.
    state
        What was done to the profiles ("standardized"), at the end of each protocol, so that two evaluations can share a table.

    Returns
    -------
    Result
        One result; the column `group` holds the names of the tables.

    Raises
    ------
    InputError
        Where a setting is wrong or a table cannot be scored.

    """
    chosen = checked(task, settings or {})
    scored: list[Scored] = []
    for label, table in tables:
        profiles = _of_part(_only(table, only or {}), part)
        digest = _digest_of_wells(profiles.wells if isinstance(profiles, Cells) else inputs.wells_of(profiles).obs)
        known = {p for s in scored if s.wells == digest for p in s.result.scores["protocol"]}
        scored.append(Scored(label, digest, _one(TASKS.resolve(task), profiles, chosen, known=known)))
    result = _side_by_side(scored)
    return result.in_state(state) if state else result


def _only(table: Scorable, only: Mapping[str, Sequence[str]]) -> Scorable:
    """The rows whose columns hold the values asked for; all of them where nothing is asked."""
    if not only:
        return table
    if isinstance(table, Cells):
        raise InputError(f"only is for profiles, and {table.folder} holds cells; leave it out")
    rows = rows_of(table.obs, only)
    if not rows:
        raise InputError(f"no row has {' and '.join(f'{column} in {list(values)}' for column, values in only.items())}")
    return table[rows].copy()


def _of_part(table: Scorable, part: str | None) -> Scorable:
    """The rows of one part of a split; all of them where none is named."""
    if part is None:
        return table
    if isinstance(table, Cells):
        raise InputError(f"--part {part} is for profiles, and {table.folder} holds cells; leave it out")
    return inputs.of_part(table, part)


def _one(function: Task, profiles: Scorable, settings: Mapping[str, Any], *, known: set[str]) -> Result:
    """The result of one table; without baselines where those of an earlier table of the same wells stand for all of its protocols."""
    if known and BASELINES in inspect.signature(function).parameters and BASELINES not in settings:
        result = function(profiles, **settings, **{BASELINES: False})
        if set(result.scores["protocol"]) <= known:
            return result
    return function(profiles, **settings)


def _side_by_side(scored: Sequence[Scored]) -> Result:
    """One result of all tables: profiles by the names of their tables, baselines once for the same wells."""
    first_of = {s.wells: s.label for s in reversed(scored)}
    named = [s.result.regrouped(partial(_names, of=s, first_of=first_of, count=len(scored))).called(s.label) for s in scored]
    result = joined(named)
    words = ["task", "protocol", "group", "metric"]
    left = result.left_out.drop_duplicates([*words, "part", "without"], ignore_index=True) if len(result.left_out) else result.left_out
    return replace(result, scores=result.scores.drop_duplicates(words, ignore_index=True), left_out=left)


def _names(groups: pd.Series, /, *, of: Scored, first_of: Mapping[str, str], count: int) -> pd.Series:
    """The column `group` of one of several tables: baselines by the first table of their wells, its other rows by its own name."""
    of_wells = groups.map(baselines.is_baseline)
    others = ~of_wells & (groups != OWN)
    if len(first_of) > 1:
        groups = groups.mask(of_wells, first_of[of.wells] + ": " + groups)
    return groups.mask(others, of.label + ": " + groups) if count > 1 else groups


def _digest_of_wells(obs: pd.DataFrame) -> str:
    """What tells one set of annotated wells from another, whatever the order of the rows."""
    words = [w for w in (*wells.SITE_KEYS, schema.PERTURBATION, schema.CONTROL_TYPE) if w in obs]
    text = pd.DataFrame({word: obs[word].astype("string").fillna("") for word in words})
    rows = pd.util.hash_pandas_object(text, index=False).sort_values() if words else pd.Series([len(obs)])
    return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()
