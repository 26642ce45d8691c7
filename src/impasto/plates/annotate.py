"""The wells of plates or of tables, annotated: tables joined, controls named, names merged where the user says so; all counted."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from impasto import annotation, schema, spelling, wells
from impasto.annotation import Join
from impasto.plates.problems import Problem

SameAs = Literal["inchikey"]


@dataclass(frozen=True)
class Wishes:
    """What the user says of controls and names.

    Attributes
    ----------
    negcon
        Names of perturbations that are negative controls.
    same_as
        `inchikey`: perturbations that share an InChIKey are one.

    """

    negcon: Sequence[str] = ()
    same_as: SameAs | None = None


@dataclass(frozen=True)
class Annotated:
    """Wells, annotated.

    Attributes
    ----------
    obs
        Annotation of n rows, with kinds of wells in our words.
    joins
        One a table that was joined.
    unknown_words
        Column -> word -> rows that hold a word which is no kind of well that is known.
    notes
        What was inferred, in sentences.
    problems
        What later stages would stumble over, and the options that solve it.

    """

    obs: pd.DataFrame
    joins: tuple[Join, ...] = ()
    unknown_words: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def annotate(obs: pd.DataFrame, maps: Sequence[tuple[Path, pd.DataFrame]], /, *, wishes: Wishes, where: str) -> Annotated:
    """Annotate wells.

    Parameters
    ----------
    obs
        Annotation of n rows, in our words, kinds of wells as they are written.
    maps
        Platemaps and lists of compounds, as `annotation.read` gives them, in any order.
    wishes
        What the user says of controls and names.
    where
        What the wells are called in sentences.

    Returns
    -------
    Annotated
        The same n rows, annotated.

    Raises
    ------
    InputError
        Where a table does not fit the data, or nothing has a name that the user gave.

    """
    notes = [f"{path}: {line}" for path, table in maps for line in table.attrs.get("how", ())]
    for path, table in maps:
        taken = ", ".join(f"{word} = {column}" for word, column in table.attrs.get("columns", {}).items())
        notes.append(f"{path}: {taken or 'no column is known by its spelling'}")
    joined, joins = annotation.join(obs, [(str(path), table) for path, table in maps])
    notes += [line for one in joins for line in (one.sentence(), *one.notes)]
    if wishes.negcon:
        joined = wells.mark_negative(joined, wishes.negcon, where=where)
    if wishes.same_as == schema.INCHIKEY:
        wells.require(joined, [schema.PERTURBATION], task="merging by InChIKey")
        names, merged = wells.merge_by_inchikey(joined)
        joined = joined.assign(**{schema.PERTURBATION: names})
        notes += [f"same InChIKey, one perturbation {name!r}: {', '.join(all_names)}" for name, all_names in merged.items()]
    joined, unknown_words = spelling.with_kinds(joined)
    return Annotated(joined, tuple(joins), unknown_words, tuple(notes), tuple(_problems(joined, unknown_words)))


def _problems(obs: pd.DataFrame, unknown_words: dict[str, dict[str, int]]) -> list[Problem]:
    """What later stages would stumble over, and the options that solve it."""
    problems = [
        Problem(
            f"{column}: {count} rows hold {word!r}, which is no kind of control that is known; they are unknown: neither treated nor "
            "controls"
        )
        for column, words in unknown_words.items()
        for word, count in words.items()
    ]
    dates = spelling.names_made_dates(obs)
    if dates:
        problems.append(Problem(f"{len(dates)} names are dates (first: {dates[0]}): a spreadsheet has changed them; write them as text"))
    odd = spelling.not_doses(obs)
    if len(odd):
        problems.append(Problem(f"concentration: {len(odd)} rows hold no amount (first: {odd.iloc[0]!r}); their dose is missing"))
    missing = [word for word in (schema.PLATE, schema.WELL, schema.PERTURBATION) if word not in obs]
    if missing:
        say = f"--set columns.{missing[0]}=NAME"
        more = ", or join a platemap: --platemap FILE" if schema.PERTURBATION in missing else ""
        problems.append(Problem(f"no column means {', '.join(missing)}; where there is one, say so: {say}{more}"))
    if not wells.marks_controls(obs):
        likely = wells.likely_negative(obs)
        if likely:
            name, count = next(iter(likely.items()))
            problems.append(
                Problem(f"no negative control is marked; {count} wells are named {name}: --negcon {shlex.quote(name)}", ("--negcon", name))
            )
        else:
            problems.append(Problem("no negative control is marked; what needs them will refuse: name them with --negcon NAME"))
    return problems


def inferred(obs: pd.DataFrame, /) -> list[str]:
    """Doses, shared InChIKeys and kinds of wells, in sentences.

    Parameters
    ----------
    obs
        Annotation of n rows, in our words.

    Returns
    -------
    list[str]
        A sentence for each of them that there is.

    """
    notes = []
    counts = wells.counts_of_kinds(obs) if schema.PERTURBATION in obs or schema.CONTROL_TYPE in obs else {}
    if counts:
        notes.append("wells: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
        nameless = _nameless(obs)
        if nameless:
            notes.append(f"{nameless} of the unknown wells name no perturbation (an empty cell, or NA, None, null)")
    doses = several_doses(obs)
    if doses:
        most = max(doses.values())
        notes.append(
            f"{len(doses)} perturbations stand at several doses (up to {most}); wells are replicates at one dose (perturbation@dose)"
        )
    shared = wells.shared_inchikeys(obs)
    if shared:
        notes.append(f"{shared} InChIKeys stand for more than one perturbation; they stay apart unless you say --same-as inchikey")
    return notes


def _nameless(obs: pd.DataFrame) -> int:
    """How many rows of unknown kind have no name of a perturbation, where others have one."""
    if schema.PERTURBATION not in obs:
        return 0
    without = obs[schema.PERTURBATION].astype("string").fillna("").str.strip().eq("").to_numpy()
    return int((without & (np.asarray(wells.kinds(obs)) == schema.UNKNOWN)).sum())


def several_doses(obs: pd.DataFrame, /) -> dict[str, int]:
    """Perturbations that stand at several doses.

    Parameters
    ----------
    obs
        Annotation of n rows, in our words.

    Returns
    -------
    dict[str, int]
        Perturbation -> how many doses, for treated ones that stand at more than one.

    """
    if schema.CONCENTRATION not in obs or schema.PERTURBATION not in obs:
        return {}
    treated = obs[wells.treated(obs)]
    counts = pd.to_numeric(treated[schema.CONCENTRATION], errors="coerce").groupby(treated[schema.PERTURBATION].astype("string")).nunique()
    return {str(name): int(count) for name, count in counts.items() if count > 1}


def read_maps(
    paths: Sequence[Path], /, *, columns: dict[str, str], sheet: str | None, encoding: str | None
) -> list[tuple[Path, pd.DataFrame]]:
    """Platemaps and lists of compounds, in our words.

    Parameters
    ----------
    paths
        Of the tables.
    columns, sheet, encoding
        As `annotation.read` takes them.

    Returns
    -------
    list[tuple[Path, pandas.DataFrame]]
        Path and table, in the order of the paths.

    """
    return [(path, annotation.read(path, columns=columns, sheet=sheet, encoding=encoding)) for path in paths]
