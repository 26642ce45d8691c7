"""`impasto import cellclip FILE --out RUN`: published weights of others as a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.import_run import ImportSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the run.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Import, and say where the run lies."""
    worked = recipe.execute("import", ImportSettings.read(values, where="impasto import"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "import",
    ImportSettings,
    Flags,
    run=run,
    about=ABOUT["import"] + " The file and its licence are yours. `impasto embed` and `impasto search` then read the run as any other.",
    example="impasto import cellclip cellclip.pt --out runs/cellclip",
)
