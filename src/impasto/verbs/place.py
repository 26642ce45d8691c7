"""`impasto place PROFILES --on MAP --out DIR`: what do new plates look like, on a map of others?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.place import PlaceSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Do it, and say what was found."""
    recipe.execute("place", PlaceSettings.read(values, where="impasto place"), out=flags.out)
    terminal.show_results(flags.out, as_json=flags.as_json)


command = options.command(
    "place",
    PlaceSettings,
    Flags,
    run=run,
    about=ABOUT["place"],
    example="impasto place new.parquet --on map --out placed",
)
