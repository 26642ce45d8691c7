"""`impasto status OUT`: how far a run with shards is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import options
from impasto.scale import status
from impasto.settings import Settings, Shown
from impasto.verbs import ABOUT, terminal


class StatusSettings(Settings):
    """Which run."""

    out: Annotated[Path, Shown("argument", metavar="OUT")] = Field(
        description="The result that a run writes (its --out), or the hidden folder beside it that its shards work in."
    )


def run(values: dict[str, Any], flags: options.Printing) -> None:
    """Print one row a phase."""
    settings = StatusSettings.read(values, where="impasto status")
    rows = [
        {
            "phase": row.phase,
            "done": row.done,
            "of": row.of,
            "left out": row.left_out,
            "a minute": None if row.per_minute is None else round(row.per_minute, 1),
            "minutes left": None if row.minutes_left is None else round(row.minutes_left, 1),
        }
        for row in status.of_folder(settings.out)
    ]
    terminal.show(rows, title="", as_json=flags.as_json)


command = options.command(
    "status",
    StatusSettings,
    options.Printing,
    run=run,
    about=f"{ABOUT['status']} Receipts are counted, so it can be asked on any machine that sees the folder.",
    example="impasto status corrected.plates",
)
