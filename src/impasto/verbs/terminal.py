"""What verbs print: a table for people, or the same rows as JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

# A pipe has no width of its own: 80 columns would fold every table.
console = Console() if sys.stdout.isatty() else Console(width=140)


def show(rows: Sequence[Mapping[str, Any]], *, title: str, as_json: bool) -> None:
    """Print rows that share their keys, as a table or (`--json`) as a list of objects on standard output."""
    if as_json:
        sys.stdout.write(json.dumps(list(rows), indent=2, default=str) + "\n")
        return
    table = Table(title=title, title_justify="left", show_edge=False)
    for key in rows[0] if rows else ():
        number = all(isinstance(row[key], int | float) or row[key] is None for row in rows)
        table.add_column(str(key), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def say(sentence: str) -> None:
    """Print a sentence as it is: what a verb has to tell while it works."""
    console.print(sentence, highlight=False)


MOST_COLUMNS = 6
"""A terminal shows no more side by side without breaking words."""


def table(*, title: str, note: str, levels: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of words (`report.table.text`), `**best**` in bold; a wide one in parts, each with the columns of some headings."""
    console.print(f"[bold]{title}[/bold]", highlight=False)
    for columns in _parts(levels):
        drawn = Table(show_edge=False)
        drawn.add_column(header[0], overflow="fold")
        for place in columns:
            level, name = levels[place], header[1 + place]
            drawn.add_column(f"[dim]{level}[/dim]\n{name}" if level else name, justify="right", overflow="fold")
        for row in rows:
            drawn.add_row(_words(row[0]), *(_words(row[1 + place]) for place in columns))
        console.print(drawn)
        console.print()
    if note:
        console.print(f"[dim]{note}[/dim]", highlight=False)


def _parts(levels: Sequence[str]) -> list[list[int]]:
    """The places of the columns, in parts of at most six; columns of one heading stay together where they fit."""
    runs: list[list[int]] = []
    for place, level in enumerate(levels):
        if runs and levels[runs[-1][-1]] == level and len(runs[-1]) < MOST_COLUMNS:
            runs[-1].append(place)
        else:
            runs.append([place])
    parts: list[list[int]] = []
    for run in runs:
        if parts and len(parts[-1]) + len(run) <= MOST_COLUMNS:
            parts[-1] += run
        else:
            parts.append(list(run))
    return parts


def _words(cell: str) -> str:
    """A cell of words as rich prints it: the interval below the value, the best in bold."""
    below = re.sub(r" (?=± )", "\n", re.sub(r" \[(?=[-\d])", r"\n\\[", cell))
    return re.sub(r"\*\*(.+?)\*\*", r"[bold]\1[/bold]", below)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"
    return str(value)
