"""`impasto profile DIR --encoder NAME --out PROFILES`: images into profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.profiling.extract import ProfileSettings
from impasto.verbs import ABOUT, shared, terminal

_ABOUT = f"""{ABOUT["profile"]}

`random` is the control with random weights, `intensity` statistics of the raw pixels, `cp_measure` CellProfiler's features of cells, nuclei
and cytoplasm (extra classical; `cp_measure_fast` without granularity and radial distribution). A killed run continues at the first
unfinished plate.
"""


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="Where to write: .parquet, .h5ad, .zarr, or .plates (a folder with a file a plate).")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Embed, and say where the profiles lie."""
    worked = recipe.execute("profile", ProfileSettings.read(values, where="impasto profile"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "profile",
    ProfileSettings,
    Flags,
    run=run,
    about=_ABOUT,
    example="impasto profile ingested --encoder efficientnet_lite0 --out profiles.parquet",
)
