"""`impasto montage DIR --perturbation X --out PNG`: look at cells beside the controls of the same plates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages import montage
from impasto.stages.montage import MontageSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The picture: .png, .svg or .pdf.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Draw, and say where the picture and the list of its cells lie."""
    worked = recipe.execute("montage", MontageSettings.read(values, where="impasto montage"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json, beside=f" and {montage.listing(flags.out)}")


command = options.command(
    "montage",
    MontageSettings,
    Flags,
    run=run,
    about=ABOUT["montage"],
    example="impasto montage cells --perturbation AMG900 --out cells.png",
)
