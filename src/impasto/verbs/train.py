"""`impasto train RECIPE (--profiles PROFILES | --sites DIR) --out RUN`: train one method in the one loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.train import TrainSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Training):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the run.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Train, and say where the run lies."""
    settings = shared.settings_from_recipe("train", values, flags)
    worked = recipe.execute("train", settings, out=flags.out)
    if flags.as_json:
        terminal.wrote(flags.out, worked, as_json=True)
    else:
        terminal.say(f"{_said(flags.out, worked=worked)}: {flags.out}")


def _said(out: Path, *, worked: bool) -> str:
    from impasto.training import log, verdict

    lines = log.read(out / log.FILE)
    if lines and verdict.KEY in lines[-1]:
        return "NOT trained" if worked else "already there, NOT trained"
    return "trained" if worked else "already trained"


command = options.command(
    "train",
    TrainSettings,
    Flags,
    run=run,
    from_recipe=True,
    about=f"{ABOUT['train']} A killed run continues from its last checkpoint, to the same bytes.",
    example="impasto train recipes/cellclip.toml --profiles profiles.parquet --out runs/cellclip",
)
