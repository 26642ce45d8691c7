"""`impasto panels PROFILES... --out DIR`: maps of several tables side by side, coloured by label and by source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.panels import PanelsSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write: one SVG and one PNG a map, and panels.html.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Draw, and say where the maps lie."""
    worked = recipe.execute("panels", PanelsSettings.read(values, where="impasto panels"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "panels",
    PanelsSettings,
    Flags,
    run=run,
    about=ABOUT["panels"],
    example="impasto panels before.parquet after.parquet --method pca --out panels",
)
