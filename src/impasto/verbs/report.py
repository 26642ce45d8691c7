"""`impasto report DIR --out page.html`: one page that says what was done and what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.report import ReportSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The page to write.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Write the page, and say where it lies."""
    worked = recipe.execute("report", ReportSettings.read(values, where="impasto report"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "report", ReportSettings, Flags, run=run, about=ABOUT["report"], example="impasto report runs/demo --out page.html"
)
