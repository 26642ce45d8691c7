"""Published weights of others as a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb


class ImportSettings(Settings):
    """What is imported, and from which file."""

    kind: Annotated[Literal["cellclip"], Shown("argument")] = Field(description="Whose weights: cellclip.")
    file: Annotated[Path, Shown("argument", metavar="FILE")] = Field(description="The published checkpoint: .safetensors, .pt or .pth.")
    text: str = Field(default="google-bert/bert-base-cased", description="The text model of its text tower, by folder or hub name.")


def run(settings: ImportSettings, out: Path) -> None:
    """Write model.json, model.safetensors and card.md at `out`."""
    from impasto.joint import cellclip_weights

    cellclip_weights.write(settings.file, out, text=settings.text)


VERB = Verb(settings=ImportSettings, inputs=lambda s: [s.file], run=run, result="", writes=FOLDER)
