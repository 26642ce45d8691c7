"""Tables of cells, or images, into a folder of cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb, digest_of_images


class CellsSettings(Settings):
    """Tables of cells, and what was done to which well."""

    sources: Annotated[list[Path], Shown("argument", metavar="TABLES...")] = Field(
        description="CellProfiler's SQLite files or folders of CSV."
    )
    unit: str = Field(default="Cells", description="The kind of object that has one row a cell.")
    platemap: list[Path] = Field(default_factory=list, description="A platemap or list of compounds (CSV, Excel, a grid...); repeatable.")
    negcon: list[str] = Field(default_factory=list, description="A perturbation that is a negative control, by name; repeatable.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our word -> a column of the image table (--set columns.well=Position)."
    )


def run(settings: CellsSettings, out: Path) -> None:
    """Write the folder of cells at `out`."""
    from impasto import progress
    from impasto.cells import build

    opened, images, notes = build.survey(settings.sources, columns=settings.columns)
    for note in notes:
        progress.say(f"  {note}")
    build.build(
        opened,
        images,
        out,
        unit=settings.unit,
        platemaps=settings.platemap,
        negcon=settings.negcon,
        columns=settings.columns,
        token=build.token_of(settings.sources, settings.model_dump(mode="json")),
    )


VERB = Verb(settings=CellsSettings, inputs=lambda s: [*s.sources, *s.platemap], run=run, result="", writes=FOLDER, digest=digest_of_images)
