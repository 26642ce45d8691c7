"""Tidy numbers: the rows that every evaluation gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from impasto.evaluation.score_table import ScoreTable
from impasto.statistics import compare
from impasto.statistics.interval import Interval, plural
from impasto.statistics.jackknife import LeftOut

COLUMNS = (
    "task",
    "protocol",
    "group",
    "metric",
    "value",
    "low",
    "high",
    "chance",
    "n",
    "unit",
    "clusters",
    "df",
    "interval",
    "p_chance",
    "about",
)
NUMBERS = ("value", "low", "high", "chance", "clusters", "df", "p_chance")
"""The columns that hold a number, or NaN where there is none."""
CHANCE_LEVEL = 0.05
"""A score is said to be above chance where shuffled labels score as high no more often."""


@dataclass(frozen=True)
class Score:
    """One number with what is needed to believe it.

    Attributes
    ----------
    task, protocol, group, metric
        What was scored, and how.
    value
        The score.
    low, high
        Where it would lie with other units, at 95 %; None where no interval can be given.
    chance
        What knowing nothing scores; None where that is not known.
    n
        How many things were scored (queries, wells, pairs).
    unit
        What was really sampled: `compound`, `plate set`, `seed`.
    clusters
        How many units there were.
    df
        Degrees of freedom of the interval; 0 where no t distribution was used.
    interval
        How the interval was made: `jackknife`, `wilson`, `t`, `corrected t`.
    p_chance
        How often shuffled labels score as high; None where they were not shuffled.
    about
        What the interval speaks of ("other compounds"), or why there is none.

    """

    task: str
    protocol: str
    group: str
    metric: str
    value: float
    low: float | None
    high: float | None
    chance: float | None
    n: int
    unit: str = ""
    clusters: int | None = None
    df: float | None = None
    interval: str = ""
    p_chance: float | None = None
    about: str = ""
    parts: tuple[LeftOut, ...] = ()
    """The score without groups of units, one entry a kind of unit: with it two methods are compared pair by pair."""
    units: str = ""
    """A digest of the units that the groups are made of; scores with the same digest can be compared."""


def score(
    task: str,
    protocol: str,
    group: str,
    metric: str,
    value: float,
    interval: Interval,
    /,
    *,
    chance: float | None,
    n: int,
    p_chance: float | None = None,
    about: str | None = None,
    parts: Sequence[LeftOut] = (),
    units: str = "",
) -> Score:
    """One number with its interval.

    Parameters
    ----------
    task, protocol, group, metric, value, chance, n, p_chance
        As in `Score`.
    interval
        Of `impasto.statistics`.
    about
        What the interval speaks of; by default other units of its kind, or why there is no interval.
    parts, units
        As in `Score`.

    Returns
    -------
    Score
        The row of the table of scores.

    """
    said = interval.why or f"other {plural(interval.unit)}" if about is None else about
    return Score(
        task,
        protocol,
        group,
        metric,
        value,
        interval.low,
        interval.high,
        chance,
        n,
        unit=interval.unit,
        clusters=interval.clusters,
        df=interval.df,
        interval=interval.method,
        p_chance=p_chance,
        about=said,
        parts=tuple(parts),
        units=units,
    )


def digest_of_units(names: Iterable[str], /) -> str:
    """What distinguishes one set of units from another.

    Parameters
    ----------
    names
        Of the units.

    Returns
    -------
    str
        16 hexadecimal digits, equal for the same names in the same order.

    """
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def left_out(scores: Sequence[Score], /) -> pd.DataFrame:
    """The scores without groups of units, as a table that can be kept beside them.

    Parameters
    ----------
    scores
        Of one task or of several.

    Returns
    -------
    pd.DataFrame
        One row a score, kind of unit and group left out: the four words of the score, units, part, of (how many units), stratum_of (the
        kind that a part is one stratum of), without, value.

    """
    rows = [
        (s.task, s.protocol, s.group, s.metric, s.units, number, part.units, part.stratum_of, group, value)
        for s in scores
        for number, part in enumerate(s.parts)
        for group, value in enumerate(part.single)
    ]
    return pd.DataFrame(rows, columns=["task", "protocol", "group", "metric", "units", "part", "of", "stratum_of", "without", "value"])


def frame(scores: Sequence[Score]) -> pd.DataFrame:
    """The scores as a table with the columns `COLUMNS`.

    Parameters
    ----------
    scores
        Of one task or of several.

    Returns
    -------
    pd.DataFrame
        One row a score; NaN where a number is not known. A row taken from it holds Python's own numbers.

    """
    rows = ScoreTable([{c: getattr(s, c) for c in COLUMNS} for s in scores], columns=list(COLUMNS))
    return rows.astype(dict.fromkeys(NUMBERS, float))


def said(row: Mapping[str, Any], /) -> str:
    """One score as a sentence: where it would lie with other units, and whether it is above chance; two questions, two numbers.

    Parameters
    ----------
    row
        Of the table of scores; what is missing is None or NaN.

    Returns
    -------
    str
        `"mAP .122; other compounds .086 to .171; above chance .045, p = .001 (labels shuffled)"`, with what there is of it.

    """
    words = [f"{row['metric']} {compare.number(row['value'])}"]
    if _known(row["low"]) and _known(row["high"]):
        words.append(f"{row['about']} {compare.number(row['low'])} to {compare.number(row['high'])}")
    elif _known(row["about"]) and row["about"]:
        words.append(f"no interval: {row['about']}")
    if _known(row["p_chance"]) and _known(row["chance"]):
        above = "above" if row["p_chance"] <= CHANCE_LEVEL else "not distinguished from"
        words.append(f"{above} chance {compare.number(row['chance'])}, p = {compare.number(row['p_chance'])} (labels shuffled)")
    elif _known(row["chance"]):
        words.append(f"chance {compare.number(row['chance'])}")
    return "; ".join(words)


def _known(value: object) -> bool:
    return value is not None and value == value
