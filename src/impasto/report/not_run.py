"""Rows of a table that could not be run, since they need a file that nobody may ship: shown in their place, and never dropped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from impasto import lacking

FILE = "rows.csv"
"""Where a sweep leaves its rows in order, each with what it lacks."""
COLUMNS = ("row", "needs")


def frame(rows: Sequence[tuple[str, Sequence[str]]], /) -> pd.DataFrame:
    """The rows of a sweep, as `rows.csv` holds them.

    Parameters
    ----------
    rows
        Each label, with what is missing for it: a file, or the command that brings it.

    Returns
    -------
    pandas.DataFrame
        Columns row and needs; `needs` is empty where the row was run.

    """
    return pd.DataFrame([(label, " and ".join(missing)) for label, missing in rows], columns=list(COLUMNS))


def read(results: Sequence[Path], /) -> list[pd.DataFrame]:
    """The rows of the sweeps among some results.

    Parameters
    ----------
    results
        Folders that evaluations or sweeps left.

    Returns
    -------
    list[pandas.DataFrame]
        One for each sweep that tells its rows.

    """
    return [pd.read_csv(path, keep_default_na=False) for folder in results if (path := folder / FILE).exists()]


def names(sweeps: Sequence[pd.DataFrame], /) -> set[str]:
    """The rows that were not run.

    Parameters
    ----------
    sweeps
        What `read` gave.

    Returns
    -------
    set[str]
        Their labels.

    """
    return {str(row) for sweep in sweeps for row in sweep.loc[sweep["needs"] != "", "row"]}


def with_rows(
    lines: Sequence[Sequence[str]], sweeps: Sequence[pd.DataFrame], /, *, columns: int, among: Sequence[str] | None = None
) -> list[list[str]]:
    """The lines of a table with one for each row that was not run, behind the row that it follows in its sweep.

    Parameters
    ----------
    lines
        The words of each row, its name first.
    sweeps
        What `read` gave.
    columns
        How many cells a row has beside its name.
    among
        The rows that the table shows; all where it is None.

    Returns
    -------
    list[list[str]]
        The lines. A row that was not run says which file it needs in its first cell.

    """
    whole = [list(line) for line in lines]
    for sweep in sweeps:
        for place, (row, needs) in enumerate(sweep[list(COLUMNS)].itertuples(index=False)):
            if needs and row not in {line[0] for line in whole} and (among is None or row in among):
                whole.insert(_behind(whole, list(sweep["row"]), place), line(row, needs, columns=columns))
    return whole


def line(row: str, needs: str, /, *, columns: int) -> list[str]:
    """The line of a row that was not run.

    Parameters
    ----------
    row
        Its label.
    needs
        What is missing for it.
    columns
        How many cells a row has beside its name.

    Returns
    -------
    list[str]
        Its name, what it needs, and empty cells.

    """
    return [row, lacking.said([needs]), *[""] * (columns - 1)]


def _behind(lines: Sequence[Sequence[str]], rows: Sequence[str], place: int) -> int:
    """Where the row at a place of its sweep goes: behind the last line of the nearest row before it, else at the top."""
    for name in reversed(rows[:place]):
        # Lines of one row are called `row: method`, or `row, kernel PCA`.
        of_row = [line[0] == name or (line[0].startswith((f"{name}: ", f"{name}, ")) and line[0] not in rows) for line in lines]
        if any(of_row):
            return len(of_row) - of_row[::-1].index(True)
    return 0
