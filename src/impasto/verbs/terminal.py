"""What verbs print: a table for people, or the same rows as JSON for programs."""

from __future__ import annotations

import json
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


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"
    return str(value)
