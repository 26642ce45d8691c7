"""`impasto cells TABLES... --out DIR`: one row a cell, joined by parent links, a plate a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.cells import CellsSettings, understood
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write.")
    dry_run: bool = Field(default=False, description="Print what was understood and how objects would be joined; write nothing.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Join and write, and say what was joined and what has no partner."""
    settings = CellsSettings.read({**options.parse_set(flags.changes), **values}, where="impasto cells")
    if flags.dry_run:
        lines = understood(settings, flags.out)
        terminal.dry_run(lines, {"understood": lines}, as_json=flags.as_json)
        return
    worked = recipe.execute("cells", settings, out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "cells", CellsSettings, Flags, run=run, about=ABOUT["cells"], example="impasto cells plate.sqlite --platemap map.csv --out cells"
)
