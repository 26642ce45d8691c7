"""What a table of methods may conclude: the best of each column, and every row less the best and less doing nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from impasto.evaluation.baselines import is_baseline
from impasto.report.paired import Evidence
from impasto.report.table import CHANCE, Column, Lines, number
from impasto.statistics import compare
from impasto.statistics.interval import Interval

BEST, NOTHING = "best", "nothing"
FILE = "differences.csv"
"""Where a table or an evaluation of several tables leaves its differences."""
HEADINGS = {BEST: "less the best", NOTHING: "less doing nothing"}
COLUMNS = ("column", "row", "base", "less", "value", "low", "high", "unit", "clusters", "interval", "sentence")


@dataclass(frozen=True)
class Compared:
    """The rows of one column that can be compared with each other: of one data set, or of one sweep.

    Attributes
    ----------
    rows
        Their cells, by name.
    pairs
        (first, second) -> the first less the second, with its paired interval.

    """

    rows: pd.DataFrame
    pairs: dict[tuple[str, str], tuple[float, Interval]]

    @property
    def names(self) -> list[str]:
        """The rows, in the order of the table."""
        return [str(name) for name in self.rows.index]

    def best(self, *, lowest: bool) -> list[str]:
        """The rows that no other is shown to beat.

        Parameters
        ----------
        lowest
            Whether a low value is the better one.

        Returns
        -------
        list[str]
            Names of rows.

        """
        values = {name: float(self.rows.loc[name, "value"]) for name in self.names}
        return compare.best_set(values, lambda one, other: self.pairs[one, other][1] if (one, other) in self.pairs else None, lowest=lowest)

    def highest(self, *, lowest: bool) -> str:
        """The row with the best value, whatever its interval.

        Parameters
        ----------
        lowest
            Whether a low value is the better one.

        Returns
        -------
        str
            The name of the row.

        """
        return str(self.rows["value"].idxmin() if lowest else self.rows["value"].idxmax())

    def idle(self, nothing: str | None) -> str | None:
        """The row that does nothing.

        Parameters
        ----------
        nothing
            Its name, which may stand behind `data set: `.

        Returns
        -------
        str | None
            The name of the row; None where there is none.

        """
        return next((name for name in self.names if nothing is not None and is_named(name, nothing)), None)


def is_named(row: str, name: str, /) -> bool:
    """Whether a row has this name, by itself or as `data set: name`.

    Parameters
    ----------
    row
        The name of a row.
    name
        The name that is looked for.

    Returns
    -------
    bool
        True where it has.

    """
    return row == name or row.endswith(f": {name}")


def compared(laid_out: pd.DataFrame, columns: Sequence[Column], evidence: Evidence, /) -> dict[str, list[Compared]]:
    """The rows of each column, in sets within which they can be compared.

    Parameters
    ----------
    laid_out
        What `table.lay_out` gave.
    columns
        Its columns.
    evidence
        What differences rest on.

    Returns
    -------
    dict[str, list[Compared]]
        Column -> its sets.

    """
    return {column.name: _sets(_methods(laid_out, column), evidence) for column in columns}


def _sets(rows: pd.DataFrame, evidence: Evidence) -> list[Compared]:
    names = [str(name) for name in rows.index]
    pairs: dict[tuple[str, str], tuple[float, Interval]] = {}
    linked = np.zeros((len(names), len(names)), dtype=bool)
    words = [_words(rows.iloc[number]) for number in range(len(names))]
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            difference = evidence.less(words[i], words[j]) if i != j else None
            if difference is not None:
                pairs[one, other] = difference
                linked[i, j] = True
    _, sets = connected_components(linked, directed=False)
    apart = [[name for name, of in zip(names, sets, strict=True) if of == number] for number in dict.fromkeys(sets)]
    return [Compared(rows.loc[members], pairs) for members in apart if len(members) > 1]


def marks(sets: Mapping[str, Sequence[Compared]], columns: Sequence[Column], /) -> dict[str, dict[str, str]]:
    """How the rows of each column are marked.

    Parameters
    ----------
    sets
        What `compared` gave.
    columns
        Those of the table.

    Returns
    -------
    dict[str, dict[str, str]]
        Column -> row -> its mark.

    """
    made: dict[str, dict[str, str]] = {}
    for column in columns:
        made[column.name] = {}
        for of in sets[column.name]:
            made[column.name] |= compare.marks(of.names, of.best(lowest=column.lowest))
    return made


def frame(sets: Mapping[str, Sequence[Compared]], columns: Sequence[Column], /, *, nothing: str | None) -> pd.DataFrame:
    """Every row less the best of its column, and less the row that does nothing.

    Parameters
    ----------
    sets
        What `compared` gave.
    columns
        Those of the table.
    nothing
        The row that does nothing to the profiles; None where the table has none.

    Returns
    -------
    pd.DataFrame
        One row a difference.

    """
    made = []
    for column in columns:
        for of in sets[column.name]:
            ends = {BEST: of.highest(lowest=column.lowest), NOTHING: of.idle(nothing)}
            for base, other in ends.items():
                rows = [name for name in of.names if other is not None and (name, other) in of.pairs]
                made += [(column.name, name, base, other, *_numbers(name, str(other), *of.pairs[name, str(other)])) for name in rows]
    return pd.DataFrame(made, columns=list(COLUMNS))


def _numbers(name: str, other: str, value: float, made: Interval) -> tuple[object, ...]:
    return value, made.low, made.high, made.unit, made.clusters, made.method, compare.say(name, other, value, made)


def text(differences: pd.DataFrame, columns: Sequence[Column], base: str, /) -> Lines | None:
    """The differences from the best or from doing nothing, as a table of words.

    Parameters
    ----------
    differences
        What `frame` gave.
    columns
        Those of the table.
    base
        `best` or `nothing`.

    Returns
    -------
    Lines | None
        The header, and one list of words a row. Where a column is compared with several rows, each cell names its own. None where nothing
        was compared with that base.

    """
    of_base = differences[differences["base"] == base]
    shown = [c for c in columns if (of_base["column"] == c.name).any()]
    if not shown:
        return None
    others = of_base.groupby("column")["less"].unique()
    header = [f"{c.name} less {others[c.name][0]}" if len(others[c.name]) == 1 else c.name for c in shown]
    lines = []
    for name, of_row in of_base.groupby("row", sort=False):
        by_column = of_row.set_index("column")
        cells = [_cell(by_column.loc[c.name], c, named=len(others[c.name]) > 1) if c.name in by_column.index else "" for c in shown]
        lines.append([str(name), *cells])
    return ["", *header], lines


def _cell(row: pd.Series, column: Column, *, named: bool) -> str:
    ends = "" if pd.isna(row["low"]) else f" [{number(row['low'], column)}, {number(row['high'], column)}]"
    return number(row["value"], column) + ends + (f" less {row['less']}" if named else "")


def _methods(laid_out: pd.DataFrame, column: Column) -> pd.DataFrame:
    """The cells of a column that are methods: neither baselines nor chance, by the name of their row."""
    cells = laid_out[laid_out["column"] == column.name].dropna(subset="value")
    own = cells[np.array([not is_baseline(str(name)) and name != CHANCE for name in cells["row"]], dtype=bool)]
    return own.set_index("row")


def _words(cell: pd.Series) -> pd.Series:
    """A cell as the row of tidy numbers that it shows."""
    return pd.concat([cell, pd.Series({"group": cell.name})])
