"""`impasto embed RUN PROFILES --out PROFILES`: profiles and perturbations in the space of a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.embed import EmbedSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="Where to write: .parquet, .h5ad, .zarr, or .plates (a folder with a file a plate).")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Embed, and say where the embeddings lie."""
    worked = recipe.execute("embed", EmbedSettings.read(values, where="impasto embed"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "embed",
    EmbedSettings,
    Flags,
    run=run,
    about=ABOUT["embed"] + " Rows of both modalities, with the split that each was in.",
    example="impasto embed runs/cellclip profiles.parquet --out embeddings.parquet",
)
