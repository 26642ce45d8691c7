"""What an ingest would do, as a whole: the dry run prints it, `--json` gives the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from impasto import schema, wells
from impasto.annotation import Join
from impasto.plates.problems import Problem

_SHOWN = 6
"""So many plates are described one by one."""
_LAYER = re.compile(r"choose with --layer: (?:layers |obsm )?(?P<name>[^\s,]+)")
_OPTION = re.compile(r"--(?P<name>[a-z][a-z-]*)[ =](?P<value>(?:'[^']*'|[^\s';()])+)")
_EXAMPLES = {"pattern", "platemap", "root", "out", "encoding"}
"""Options whose value in a sentence is an example, not the answer."""
_REPEATED = {"channel", "skip-channel", "negcon", "leave-out"}
"""Options that a sentence gives several times because all are needed; of another, the first is taken."""
_PLACEHOLDERS = {"NAME", "FOLDER", "FILE", "DIR", "LIST", "WORD", "COLUMN", "STAIN"}


@dataclass(frozen=True)
class Summary:
    """What was found.

    Attributes
    ----------
    sources
        One a source: path, reader, rows or planes, and how many files match no name.
    plates
        One a plate: source, batch, plate, wells, sites, channels, missing planes.
    words
        Table -> word -> the column that was taken for it.
    kinds
        Kind of well -> how many wells.
    unknown_words
        Column -> word -> rows that hold a word which is no kind of well that is known.
    joins
        One a table: keys, wells found and not found, rows without data.
    doses
        Perturbation -> how many doses, for those with more than one.
    dose_unit
        The unit of all doses; empty where no table says it.
    shared_inchikeys
        How many InChIKeys stand for more than one perturbation.
    features
        Table -> how many features, and how they were recognised.
    left_out
        Table -> columns that are neither annotation nor features.
    problems
        What must or should be said, with the options that say it.

    """

    sources: Sequence[Mapping[str, Any]] = ()
    plates: Sequence[Mapping[str, Any]] = ()
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    unknown_words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    joins: Sequence[Join] = ()
    doses: Mapping[str, int] = field(default_factory=dict)
    dose_unit: str = ""
    shared_inchikeys: int = 0
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


def as_json(
    summary: Summary, /, *, notes: Sequence[str], problems: Sequence[Problem], commands: Mapping[str, str], next_command: str
) -> dict[str, Any]:
    """The summary as plain values.

    Parameters
    ----------
    summary
        Of the sources.
    notes
        Sentences of the ingest.
    problems
        What must or should be said.
    commands
        Sentence of a problem -> the command that solves it.
    next_command
        What to run after the ingest.

    Returns
    -------
    dict[str, Any]
        Values that JSON can hold.

    """
    values = asdict(summary)
    values["joins"] = [asdict(join) for join in summary.joins]
    values["problems"] = [{"sentence": p.sentence, "command": commands.get(p.sentence)} for p in problems]
    values["notes"] = list(notes)
    values["next"] = next_command
    return values


def lines(summary: Summary, /) -> list[str]:
    """What the notes of an ingest do not say yet: features by source, bookkeeping, plates.

    Parameters
    ----------
    summary
        Of the sources.

    Returns
    -------
    list[str]
        Lines for the terminal.

    """
    shown = [f"{table}: {f['count']} features: {f['how']}" for table, f in summary.features.items()]
    for table, columns in summary.left_out.items():
        if columns:
            shown.append(f"{table}: {len(columns)} columns are no features and are left out: {', '.join(columns)}")
    of_images = [plate for plate in summary.plates if "sites" in plate]
    shown += [_of_plate(plate) for plate in of_images[:_SHOWN]]
    if len(of_images) > _SHOWN:
        shown.append(
            f"... and {len(of_images) - _SHOWN} more plates; {sum(p['missing'] for p in of_images[_SHOWN:])} of their planes are missing"
        )
    return shown


def _of_plate(plate: Mapping[str, Any]) -> str:
    look = "".join(f", {', '.join(plate[word])}" for word in ("type", "size") if plate.get(word))
    missing = f"; {plate['missing']} planes are missing" if plate["missing"] else ""
    return f"plate {plate['name']}: {plate['wells']} wells, {plate['sites']} sites, {', '.join(plate['channels'])}{look}{missing}"


def plates_of(planes: pd.DataFrame, annotation: pd.DataFrame, /) -> list[dict[str, Any]]:
    """The plates of an ingest.

    Parameters
    ----------
    planes
        Of images; empty for tables of profiles.
    annotation
        Of their wells.

    Returns
    -------
    list[dict[str, Any]]
        One a plate: name, wells, and of images sites, channels and missing planes.

    """
    table = annotation if planes.empty else planes
    if schema.PLATE not in table:
        return []
    rows = []
    for number, name in enumerate(wells.plates(table)[1]):
        part = table[wells.plates(table)[0] == number]
        keys = {key: str(part[key].iloc[0]) for key in wells.keys_of_plate(part) if pd.notna(part[key].iloc[0])}
        row: dict[str, Any] = {"name": name.strip("/"), **keys, "wells": int(part[schema.WELL].nunique()) if schema.WELL in part else None}
        if not planes.empty:
            sites = len(part.drop_duplicates([schema.WELL, schema.SITE]))
            channels = sorted(map(str, part[schema.CHANNEL].unique()))
            row |= {"sites": sites, "channels": channels, "missing": sites * len(channels) - len(part)}
        rows.append(row)
    return rows


def options_in(sentence: str, /, *, unsaid: Collection[str] = ()) -> tuple[str, ...]:
    """The words that an error sentence offers first (`--channel 'Alexa 488=ER' --channel ...`), where they are the answer.

    Parameters
    ----------
    sentence
        Of an error or a problem.
    unsaid
        Words such as STAIN that stand for what only the user knows, and are taken nevertheless.

    Returns
    -------
    tuple[str, ...]
        Options and their values; none where the sentence offers only an example.

    """
    layer = _LAYER.search(sentence)
    if layer and layer["name"] != "there":
        return "--layer", layer["name"]
    offered: list[str] = []
    first = None
    for match in _OPTION.finditer(sentence):
        first = first or match["name"]
        value = shlex.split(match["value"])[0].rstrip(",")
        named = value.rpartition("=")[2]
        if match["name"] != first or first in _EXAMPLES or value.endswith("...") or named in _PLACEHOLDERS - set(unsaid):
            break
        offered += [f"--{first}", value]
        if first not in _REPEATED:
            break
    return tuple(offered)
