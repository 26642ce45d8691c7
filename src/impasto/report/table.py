"""Tables as papers print them: one row a method, one column a score, chance as the last row, from the tidy numbers of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from impasto.evaluation.baselines import is_baseline
from impasto.schema import InputError, nearest
from impasto.settings import Settings

CHANCE = "chance"


class Column(Settings):
    """One column: the score it shows (`task`, `metric`, and words that the `protocol` holds, all of them), or the mean of other columns.

    `level` is the heading that stands above it and its neighbours; `percent` shows .123 as 12.3;
    `lowest` marks the smallest value as the best; `interval` shows the 95 % interval of a mean over seeds beside its deviation.
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
    """The tidy numbers of evaluations and sweeps, one after the other. Raises InputError where a folder holds none."""
    frames: list[pd.DataFrame] = []
    for folder in results:
        path = folder / "results.csv"
        if not path.exists():
            raise InputError(f"{folder} holds no results.csv; give folders that impasto evaluate or a sweep left")
        frames.append(pd.read_csv(path))
    return pd.concat(frames, ignore_index=True)


def every_column(scores: pd.DataFrame, /) -> list[Column]:
    """A column for each task, protocol and metric there is, in order."""
    seen = scores[["task", "protocol", "metric"]].drop_duplicates()
    return [
        Column(header=r.metric, metric=r.metric, task=r.task, protocol=r.protocol, level=f"{r.task}: {r.protocol}")
        for r in seen.itertuples()
    ]


def of_metric(scores: pd.DataFrame, metric: str, heading: str, /) -> list[Column]:
    """The column of one metric, or one a protocol where it stands in several."""
    columns = [c for c in every_column(scores) if c.metric == metric]
    if len(columns) < 2:
        return [Column(header=heading, metric=metric)]
    return [c.model_copy(update={"header": heading}) for c in columns]


def protocols(scores: pd.DataFrame, columns: Sequence[Column], /) -> list[str]:
    """The protocols of the scores that the columns show, in order."""
    shown = [scores[_matches(scores, column)] for column in columns if column.mean_of is None]
    return list(dict.fromkeys(f"{r.task}: {r.protocol}" for rows in shown for r in rows.itertuples()))


def _matches(scores: pd.DataFrame, column: Column) -> pd.Series:
    named = (scores["metric"] == column.metric) & ((scores["task"] == column.task) if column.task else True)
    words = [column.protocol] if isinstance(column.protocol, str) else column.protocol
    for word in words:
        named &= scores["protocol"].astype(str).str.contains(word, regex=False)
    return named


def lay_out(scores: pd.DataFrame, columns: Sequence[Column], /, *, rows: Sequence[str] | None = None) -> pd.DataFrame:
    """Long form of the table: row, column, value, low, high, sd, seeds, n; rows in the order given (or of appearance), baselines after
    them, chance last.

    Raises InputError where a column names a score that no result has, and where two results fill one cell.
    """
    groups = [str(g) for g in dict.fromkeys(scores["group"])]
    for name in rows or ():
        if name not in groups:
            raise InputError(f"the table's row {name!r} is in no result{nearest(name, groups)}; there are: {', '.join(groups)}")
    order = [*(rows or [g for g in groups if not is_baseline(g)]), *(g for g in groups if is_baseline(g))]
    cells: list[dict[str, object]] = []
    for column in columns:
        if column.mean_of is None:
            cells += _cells(scores, column, order)
    laid_out = pd.DataFrame(cells)
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
        kept = {key: record.get(key) for key in ("value", "low", "high", "sd", "seeds", "n")}
        cells.append({"row": record["group"], "column": column.name, **kept})
    # A baseline may be scored over other rows, with another chance level: the profiles' own is shown.
    own = chosen[[not is_baseline(str(g)) for g in chosen["group"]]]["chance"]
    if own.notna().any():
        cells.append({"row": CHANCE, "column": column.name, "value": float(own.mean())})
    return cells


def _means(laid_out: pd.DataFrame, column: Column) -> pd.DataFrame:
    wide = laid_out.pivot_table(index="row", columns="column", values="value", aggfunc="first")
    absent = [c for c in column.mean_of or () if c not in wide]
    if absent:
        raise InputError(
            f"the column {column.header!r} averages {absent[0]!r}, which is no earlier column; there are: {', '.join(wide.columns)}"
        )
    whole = wide[list(column.mean_of or ())].dropna().mean(axis=1)
    return pd.DataFrame({"row": whole.index, "column": column.name, "value": whole.to_numpy()})


def text(table: pd.DataFrame, columns: Sequence[Column], /) -> tuple[list[str], list[list[str]]]:
    """Header and rows as words: the best value of a column in bold (`**`), an interval or a deviation beside each value."""
    best = {c.name: _best(table[table["column"] == c.name], lowest=c.lowest) for c in columns}
    lines = []
    for name, of_row in table.groupby("row", sort=False):
        by_column = of_row.set_index("column")
        cells = [_cell(by_column.loc[c.name], c, bold=best[c.name] == name) if c.name in by_column.index else "" for c in columns]
        lines.append([str(name), *cells])
    return ["", *(c.header for c in columns)], lines


def _best(column: pd.DataFrame, *, lowest: bool) -> str | None:
    own = column[[not is_baseline(str(r)) and r != CHANCE for r in column["row"]]].dropna(subset="value")
    if len(own) < 2:
        return None
    return str(own.loc[own["value"].idxmin() if lowest else own["value"].idxmax(), "row"])


def _cell(cell: pd.Series, column: Column, *, bold: bool) -> str:
    def number(value: float) -> str:
        shown = f"{100 * value:.1f}" if column.percent else f"{value:.3f}"
        # What rounds to nothing has no sign.
        return shown.removeprefix("-") if float(shown) == 0 else shown

    if pd.isna(cell["value"]):
        return ""
    words = f"**{number(cell['value'])}**" if bold else number(cell["value"])
    over_seeds = pd.notna(cell.get("sd")) and cell.get("seeds", 0) > 1
    if over_seeds:
        words += f" ± {number(cell['sd'])}"
    if pd.notna(cell.get("low")) and (column.interval or not over_seeds):
        words += f" [{number(cell['low'])}, {number(cell['high'])}]"
    return words


def markdown(table: pd.DataFrame, columns: Sequence[Column], /, *, title: str, note: str) -> str:
    """The table in Markdown, its headings of two levels joined."""
    _, lines = text(table, columns)
    named = ["", *(c.name for c in columns)]
    ruled = [f"| {' | '.join(named)} |", "|" + "---|" * len(named), *(f"| {' | '.join(line)} |" for line in lines)]
    return "\n".join([f"**{title}**", "", *ruled, "", *([note, ""] if note else [])])


def seeds_joined(per_seed: pd.DataFrame, /) -> pd.DataFrame:
    """One row a score from one row a score and seed: mean, sd, a 95 % t interval of the mean over seeds, seeds.

    With one seed, the interval is the score's own.
    """
    from scipy.stats import t

    keys = ["task", "protocol", "group", "metric"]
    joined = []
    for key, seeds in per_seed.groupby(keys, sort=False, dropna=False):
        values, count = seeds["value"].to_numpy(dtype=float), len(seeds)
        deviation = float(np.std(values, ddof=1)) if count > 1 else float("nan")
        reach = float(t.ppf(0.975, count - 1)) * deviation / np.sqrt(count) if count > 1 else float("nan")
        middle = float(values.mean())
        low, high = (middle - reach, middle + reach) if count > 1 else (seeds["low"].iloc[0], seeds["high"].iloc[0])
        values_of_score = {
            "value": middle,
            "low": low,
            "high": high,
            "chance": seeds["chance"].mean(),
            "n": seeds["n"].iloc[0],
            "sd": deviation,
            "seeds": count,
        }
        joined.append(dict(zip(keys, key, strict=True)) | values_of_score)
    return pd.DataFrame(joined)
