"""Tables of figures beside the pages, docs/measured/*.csv: the command of each row, the day it ran, and what the page would show."""

from __future__ import annotations

import csv
from pathlib import Path

FILES = sorted((Path(__file__).parents[2] / "docs" / "measured").glob("*.csv"))
MADE = ("command", "run on")
"""The first columns of each file: what makes the row, and when it did."""


def made(path: Path) -> list[list[str]]:
    """The first columns of the rows, without the header."""
    return [row[: len(MADE)] for row in _read(path)[1:]]


def rows(path: Path) -> list[list[str]]:
    """The table as a page would show it: a header, and rows that begin with their name."""
    return [row[len(MADE) :] for row in _read(path)]


def scores(path: Path) -> list[list[str]]:
    """The table without its rows of differences, `A less B`."""
    return [row for row in rows(path) if " less " not in row[0]]


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
