"""`impasto map DIR --out MAP`: one folder with all that places a new plate on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.map import MapSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Do it, and say where the map lies."""
    worked = recipe.execute("map", MapSettings.read(values, where="impasto map"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "map",
    MapSettings,
    Flags,
    run=run,
    about=ABOUT["map"],
    example="impasto map run --licence CC0-1.0 --out map",
)
