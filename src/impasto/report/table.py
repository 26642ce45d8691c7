"""Tables as papers print them: one row a method, one column a score, chance as the last row, from the tidy numbers of evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from impasto.evaluation.baselines import is_baseline
from impasto.schema import InputError, nearest
from impasto.settings import Settings

Lines: TypeAlias = tuple[list[str], list[list[str]]]
"""A header and the rows under it, as words."""

CHANCE = "chance"
SAME_CHANCE = 0.0005
"""Chance levels that differ by less are one row of the table; else each cell has its own."""
SCORE = ("task", "protocol", "metric")
"""The words by which a cell knows the score that it shows."""
_SAME_VALUE = 1e-9
_SHOWN = ("value", "low", "high", "chance", "unit", "about", "sd", "seeds", "n", *SCORE)


class Column(Settings):
    """One column: the score it shows, or the mean of other columns.

    Attributes
    ----------
    header
        What stands above the column.
    metric, task
        Of the score. Without a task the score of any task is meant.
    protocol
        Words that the score's protocol holds, all of them.
    mean_of
        Names of the columns whose mean it shows; they stand before it.
    level
        The heading above this column and its neighbours.
    percent
        Whether .123 is shown as 12.3.
    lowest
        Whether the smallest value is the best.
    interval
        Whether the 95 % interval of a mean over seeds is shown beside its deviation.

    """

    header: str
    metric: str | None = None
    task: str | None = None
    protocol: str | list[str] = ""
    mean_of: list[str] | None = None
    level: str = ""
    percent: bool = False
    lowest: bool = False
    interval: bool = False

    @property
    def name(self) -> str:
        """What tells the column from the others: heading and header."""
        return f"{self.level}: {self.header}" if self.level else self.header


def read(results: Sequence[Path], /) -> pd.DataFrame:
    """The tidy numbers of evaluations and sweeps, one after the other.

    Parameters
    ----------
    results
        Folders that evaluations or sweeps left.

    Returns
    -------
    pandas.DataFrame
        The rows of each `results.csv`, in the order of the folders. A baseline (`position only`) is the same for all results of the same
        wells, and stands once; one of other wells is named after its folder.

    Raises
    ------
    InputError
        A folder holds no `results.csv`.

    """
    scores = pd.DataFrame()
    for folder in results:
        path = folder / "results.csv"
        if not path.exists():
            raise InputError(f"{folder} holds no results.csv; give folders that impasto evaluate or a sweep left")
        frame = pd.read_csv(path)
        scores = pd.concat([scores, frame if scores.empty else _beside(frame, scores, folder.name)], ignore_index=True)
    return scores


def _beside(frame: pd.DataFrame, before: pd.DataFrame, folder: str) -> pd.DataFrame:
    """The scores of a folder without the baselines that stand already, and the others under a name of their own."""
    keys = ["group", *SCORE]
    known = before.drop_duplicates(keys)[[*keys, "value"]]
    value = frame[keys].merge(known, on=keys, how="left")["value"].to_numpy(dtype=float)
    repeated = np.array([is_baseline(str(group)) for group in frame["group"]], dtype=bool) & np.isfinite(value)
    same = np.abs(frame["value"].to_numpy(dtype=float) - value) < _SAME_VALUE
    named = frame["group"].where(~(repeated & ~same), f"{folder}: " + frame["group"].astype(str))
    return frame.assign(group=named)[~(repeated & same)]


def every_column(scores: pd.DataFrame, /) -> list[Column]:
    """A column for each score that there is.

    Parameters
    ----------
    scores
        What `read` returned.

    Returns
    -------
    list[Column]
        One for each task, protocol and metric, in order of appearance.

    """
    seen = scores[["task", "protocol", "metric"]].drop_duplicates()
    return [
        Column(header=r.metric, metric=r.metric, task=r.task, protocol=r.protocol, level=f"{r.task}: {r.protocol}")
        for r in seen.itertuples()
    ]


def of_metric(scores: pd.DataFrame, metric: str, heading: str, /) -> list[Column]:
    """The columns of one metric.

    Parameters
    ----------
    scores
        What `read` returned.
    metric
        Its name.
    heading
        What stands above each column.

    Returns
    -------
    list[Column]
        One column. Where several tasks or protocols score this metric, one for each of them.

    """
    columns = [c for c in every_column(scores) if c.metric == metric]
    if len(columns) < 2:
        return [Column(header=heading, metric=metric)]
    return [c.model_copy(update={"header": heading}) for c in columns]


def protocols(scores: pd.DataFrame, columns: Sequence[Column], /) -> list[str]:
    """The protocols of the scores that the columns show.

    Parameters
    ----------
    scores
        What `read` returned.
    columns
        Of the table; means of other columns have no protocol.

    Returns
    -------
    list[str]
        Task and protocol as `task: protocol`, each once and in order of appearance.

    """
    shown = [scores[_matches(scores, column)] for column in columns if column.mean_of is None]
    return list(dict.fromkeys(f"{r.task}: {r.protocol}" for rows in shown for r in rows.itertuples()))


def _matches(scores: pd.DataFrame, column: Column) -> pd.Series:
    """Which scores a column shows: those of its protocol where it is named in full, else those whose protocol holds its words."""
    named = (scores["metric"] == column.metric) & ((scores["task"] == column.task) if column.task else True)
    protocol = scores["protocol"].astype(str)
    words = [column.protocol] if isinstance(column.protocol, str) else column.protocol
    if len(words) == 1 and (exact := named & (protocol == words[0])).any():
        return exact
    for word in words:
        named &= protocol.str.contains(word, regex=False)
    return named


def lay_out(
    scores: pd.DataFrame, columns: Sequence[Column], /, *, rows: Sequence[str] | None = None, lacking: bool = False
) -> pd.DataFrame:
    """The table in long form.

    Parameters
    ----------
    scores
        What `read` returned, with the column `group`: the row of the table that a score belongs to.
    columns
        Of the table.
    rows
        The rows to show, in order; all in order of appearance where it is None.
    lacking
        Whether rows were not run, so that a column may have no score at all.

    Returns
    -------
    pandas.DataFrame
        One row a cell: `row`, `column`, `value`, `low`, `high`, `sd`, `seeds`, `n`, `unit`, `about`, `chance`, and `task`,
        `protocol` and `metric` of its score. Baselines stand after the rows asked for, and chance last.

    Raises
    ------
    InputError
        A row is in no result, a column names a score that no result has, or two results fill one cell.

    """
    groups = [str(g) for g in dict.fromkeys(scores["group"])]
    for name in rows or ():
        if name not in groups:
            raise InputError(f"the table's row {name!r} is in no result{nearest(name, groups)}; there are: {', '.join(groups)}")
    order = [*(rows or [g for g in groups if not is_baseline(g)]), *(g for g in groups if is_baseline(g))]
    cells: list[dict[str, object]] = []
    for column in columns:
        if column.mean_of is None:
            cells += [] if lacking and not _matches(scores, column).any() else _cells(scores, column, order)
    laid_out = pd.DataFrame(cells, columns=["row", "column", *_SHOWN])
    for column in columns:
        if column.mean_of is not None:
            laid_out = pd.concat([laid_out, _means(laid_out, column)], ignore_index=True)
    rank = {name: number for number, name in enumerate([*order, CHANCE])}
    place = {column.name: number for number, column in enumerate(columns)}
    keys = pd.DataFrame({"r": laid_out["row"].map(rank), "c": laid_out["column"].map(place)}).sort_values(["r", "c"], kind="stable")
    return laid_out.loc[keys.index].reset_index(drop=True)


def _cells(scores: pd.DataFrame, column: Column, order: Sequence[str]) -> list[dict[str, object]]:
    chosen = scores[_matches(scores, column)]
    if chosen.empty:
        known = [str(m) for m in dict.fromkeys(scores["metric"])]
        raise InputError(
            f"the column {column.header!r} asks for {column.metric!r} ({column.task or 'any task'}, protocol with {column.protocol!r}), "
            f"which no result has{nearest(str(column.metric), known)}; metrics there are: {', '.join(known)}"
        )
    twice = chosen[chosen.duplicated("group", keep=False)]
    if len(twice):
        protocols = " and ".join(sorted({str(p) for p in twice["protocol"]})[:2])
        raise InputError(
            f"the column {column.header!r} fits more than one score of {twice['group'].iloc[0]!r} ({protocols}); name its protocol or task"
        )
    cells = []
    for record in chosen[chosen["group"].isin(order)].to_dict(orient="records"):
        shown = {key: record.get(key) for key in _SHOWN}
        cells.append({"row": record["group"], "column": column.name, **shown})
    if (common := _common_chance(chosen)) is not None:
        cells.append({"row": CHANCE, "column": column.name, "value": common})
    return cells


def _common_chance(scores: pd.DataFrame) -> float | None:
    """What knowing nothing scores, where that is the same for all rows but the baselines, which may be scored over other wells."""
    own = scores[[not is_baseline(str(g)) for g in scores["group"]]]["chance"].dropna()
    if own.empty or own.max() - own.min() >= SAME_CHANCE:
        return None
    return float(own.mean())


def _means(laid_out: pd.DataFrame, column: Column) -> pd.DataFrame:
    wide = laid_out.pivot_table(index="row", columns="column", values="value", aggfunc="first")
    absent = [c for c in column.mean_of or () if c not in wide]
    if absent:
        raise InputError(
            f"the column {column.header!r} averages {absent[0]!r}, which is no earlier column; there are: {', '.join(wide.columns)}"
        )
    whole = wide[list(column.mean_of or ())].dropna().mean(axis=1)
    return pd.DataFrame({"row": whole.index, "column": column.name, "value": whole.to_numpy()})


def text(table: pd.DataFrame, columns: Sequence[Column], /, *, marks: Mapping[str, Mapping[str, str]] | None = None) -> Lines:
    """Header and rows as words.

    Parameters
    ----------
    table
        What `lay_out` gave.
    columns
        Its columns.
    marks
        Name of a column -> row -> its mark (`differences.marks`): `**` makes it bold, `·` stands beside it.

    Returns
    -------
    Lines
        The header, and one list of words a row of the table.

    """
    of_column = marks or {}
    has_chance = set(table.loc[table["row"] == CHANCE, "column"])
    lines = []
    for name, of_row in table.groupby("row", sort=False):
        by_column = of_row.set_index("column")
        cells = [
            _cell(by_column.loc[c.name], c, mark=of_column.get(c.name, {}).get(str(name), ""), own_chance=c.name not in has_chance)
            if c.name in by_column.index
            else ""
            for c in columns
        ]
        lines.append([str(name), *cells])
    return ["", *(c.header for c in columns)], lines


def number(value: float, column: Column, /) -> str:
    """A value as a column shows it.

    Parameters
    ----------
    value
        As it was scored.
    column
        Its column.

    Returns
    -------
    str
        `12.3` for .123 in per cent, else three digits after the point. What rounds to 0 has no sign.

    """
    shown = f"{100 * value:.1f}" if column.percent else f"{value:.3f}"
    # What rounds to nothing has no sign.
    return shown.removeprefix("-") if float(shown) == 0 else shown


def _cell(cell: pd.Series, column: Column, *, mark: str, own_chance: bool) -> str:
    if pd.isna(cell["value"]):
        return ""
    value = number(cell["value"], column)
    words = f"**{value}**" if mark == "**" else f"{value} {mark}".rstrip()
    over_seeds = pd.notna(cell.get("sd")) and cell.get("seeds", 0) > 1
    if over_seeds:
        words += f" ± {number(cell['sd'], column)}"
    if pd.notna(cell.get("low")) and (column.interval or not over_seeds):
        words += f" [{number(cell['low'], column)}, {number(cell['high'], column)}]"
    if own_chance and pd.notna(cell.get("chance")):
        words += f" (chance {number(cell['chance'], column)})"
    return words


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]], /, *, title: str, note: str) -> str:
    """A table in Markdown.

    Parameters
    ----------
    header
        A name a column, the first of them empty.
    lines
        One list of words a row.
    title, note
        What stands above and below.

    Returns
    -------
    str
        The title in bold, the table, and the note where it is not empty.

    """
    ruled = [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *(f"| {' | '.join(line)} |" for line in lines)]
    return "\n".join([f"**{title}**", "", *ruled, "", *([note, ""] if note else [])])
