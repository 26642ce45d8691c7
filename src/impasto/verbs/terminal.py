"""What verbs print: a table for people, or the same rows as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from impasto import border, records, texts
from impasto.progress import say
from impasto.progress import spoken as console

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["console", "dry_run", "say", "show", "show_frame", "show_results", "write_json", "wrote"]


SHORT = {
    "group": "group",
    "metric": "metric",
    "value": "value",
    "low": "95 % from",
    "high": "to",
    "about": "speaks of",
    "chance": "chance",
    "n": "n",
}
"""The columns of the table of scores that people are shown, and what they are called."""


def write_json(value: Any) -> None:
    """Print a value as JSON on standard output.

    Parameters
    ----------
    value
        Anything that JSON can hold; other objects are written as text.

    """
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def wrote(out: Path, worked: bool, /, *, as_json: bool, beside: str = "") -> None:
    """Print where the result of a verb lies; as JSON, the record of its run.

    Parameters
    ----------
    out
        The result.
    worked
        False where it was there already.
    as_json
        Print its record.
    beside
        What else to say of it.

    """
    if as_json:
        inside = records.path_of(out, folder=True)
        write_json(json.loads(texts.read(inside if inside.exists() else records.path_of(out, folder=False))))
    else:
        console.print(f"{'wrote' if worked else 'already there:'} {out}{beside}", highlight=False, markup=False, soft_wrap=True)


def dry_run(lines: Sequence[str], values: Mapping[str, Any], /, *, as_json: bool) -> None:
    """Print what a dry run found out.

    Parameters
    ----------
    lines
        Sentences for people.
    values
        The same for programs.
    as_json
        Print these.

    """
    if as_json:
        write_json(values)
        return
    for line in lines:
        say(f"  {line}")
    say("dry run: nothing was written")


def show(rows: Sequence[Mapping[str, Any]], *, title: str, as_json: bool) -> None:
    """Print rows that share their keys, as a table or (`--json`) as a list of objects on standard output.

    Parameters
    ----------
    rows
        Tables with the same keys.
    title
        Stands above the table.
    as_json
        Print a list of objects.

    """
    if as_json:
        write_json(list(rows))
        return
    table = Table(title=title, title_justify="left", show_edge=False)
    for key in rows[0] if rows else ():
        number = all(isinstance(row[key], int | float) or row[key] is None for row in rows)
        table.add_column(str(key), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def show_frame(frame: pd.DataFrame, /, *, title: str, as_json: bool) -> None:
    """Print a DataFrame; what is missing in it is null.

    Parameters
    ----------
    frame
        The rows.
    title
        Stands above the table.
    as_json
        Print a list of objects.

    """
    show(frame.astype(object).where(frame.notna(), None).to_dict(orient="records"), title=title, as_json=as_json)


def show_results(out: Path, *, as_json: bool) -> None:
    """Print results.csv: whole as JSON, or a table a protocol for people.

    Parameters
    ----------
    out
        The folder of an evaluation.
    as_json
        Print all rows as a list of objects.

    """
    import pandas as pd

    from impasto.evaluation import tidy

    results = pd.read_csv(out / "results.csv")
    if as_json:
        show_frame(results, title="", as_json=True)
        return
    # A result of an earlier version has fewer columns.
    whole = results.reindex(columns=list(tidy.COLUMNS))
    plain = whole.astype(object).where(whole.notna(), None)
    for (task, protocol), rows in plain.groupby(["task", "protocol"], sort=False):
        records = rows.to_dict("records")
        short = [{word: row[column] for column, word in SHORT.items()} for row in records]
        show(short, title=f"{task}: {protocol}", as_json=False)
        for row in records:
            if row["p_chance"] is not None:
                say(f"{row['group']}: {tidy.said(row)}")
    if (out / "levels_not_ranked.parquet").exists():
        for row in border.parquet(out / "levels_not_ranked.parquet").itertuples():
            say(f"left out, {row.profiles}: {row.reason}")
    if (out / "merged.parquet").exists():
        for row in border.parquet(out / "merged.parquet").drop_duplicates().itertuples():
            say(f"one InChIKey, scored as {row.perturbation}: {row.names}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"
    return str(value)
