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


def table(*, title: str, note: str, levels: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of words (`report.table.text`); `**best**` is printed bold, a heading above a column stands in front of it."""
    drawn = Table(title=title, title_justify="left", show_edge=False, caption=note or None, caption_justify="left")
    drawn.add_column(header[0], overflow="fold")
    for level, name in zip(levels, header[1:], strict=True):
        drawn.add_column(f"[dim]{level}[/dim]\n{name}" if level else name, justify="right", overflow="fold")
    for row in rows:
        drawn.add_row(*(_words(cell) for cell in row))
    console.print(drawn)


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
