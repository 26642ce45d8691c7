"""Plates or tables, found, checked, joined with the platemap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb, digest_of_images

if TYPE_CHECKING:
    from impasto.plates.ingest import Found


class IngestSettings(Settings):
    """Sources (all images or all tables), platemaps in the order they join, and what cannot be told by looking."""

    sources: Annotated[list[Path], Shown("argument", metavar="PLATES_OR_TABLES...")] = Field(
        description="Folders of images, sheets, or tables of profiles."
    )
    platemap: list[Path] = Field(default_factory=list, description="A platemap or annotation table; may be given several times.")
    channels: Annotated[list[str], Shown(separator=",")] = Field(
        default_factory=list, description="ch1=DNA,ch2=ER..., or the stains of a stack's pages in order: DNA,ER,..."
    )
    depth: int | None = Field(default=None, description="The plane in depth to read, where there are several.")
    columns: dict[str, str] = Field(default_factory=dict, description="Of tables: our word -> their column (--set columns.well=Position).")
    features: str | None = Field(default=None, description="Of tables: a pattern that the names of all features match.")


def found_by(settings: IngestSettings) -> Found:
    """What these settings find. Writes nothing."""
    from impasto.plates import ingest

    named = dict(part.split("=", 1) for part in settings.channels if "=" in part)
    order = [part for part in settings.channels if "=" not in part]
    if named and order:
        raise InputError("--channels mixes NAME=STAIN with bare stains; write ch1=DNA,ch2=ER or, for stacks, DNA,ER")
    return ingest.find(
        settings.sources,
        platemaps=settings.platemap,
        channels=named,
        order=order,
        depth=settings.depth,
        columns=settings.columns,
        features=settings.features,
    )


def run(settings: IngestSettings, out: Path) -> None:
    """Write images.parquet and wells.parquet, or profiles.parquet, at `out`."""
    from impasto.plates import ingest

    ingest.write(found_by(settings), out)


VERB = Verb(settings=IngestSettings, inputs=lambda s: [*s.sources, *s.platemap], run=run, result="", writes=FOLDER, digest=digest_of_images)
