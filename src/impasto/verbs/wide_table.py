"""The table of a paper on a terminal: wide, so drawn in parts, each with the columns of some headings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from impasto.progress import spoken as console

MOST_COLUMNS = 6
"""A terminal shows no more side by side without breaking words."""


def draw(
    *,
    title: str,
    note: str,
    levels: Sequence[str],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    differences: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Print a table of words (`report.table.text`), `**best**` in bold; a wide one in parts, each with the columns of some headings.

    Parameters
    ----------
    title, note
        What stands above and below.
    levels
        The heading above each column.
    header, rows
        Its words.
    differences
        Tables of the same form, printed below.

    """
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
    for table in differences:
        draw(**table)


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
    below = re.sub(r" (?=± |\(chance )", "\n", re.sub(r" \[(?=[-\d])", r"\n\\[", cell))
    return re.sub(r"\*\*(.+?)\*\*", r"[bold]\1[/bold]", below)
