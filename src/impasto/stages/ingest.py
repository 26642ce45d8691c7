"""Plates or tables, found, checked, joined with the platemap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from impasto.stages.base import Verb
from impasto.schema import InputError
from impasto.settings import Settings, Shown

if TYPE_CHECKING:
    from impasto.plates.ingest import Found


class IngestSettings(Settings):
    """Sources (all images or all tables), platemaps in the order they join, and what cannot be told by looking."""

    sources: list[Path]
    platemap: list[Path] = Field(default_factory=list)
    channels: list[str] = Field(default_factory=list)
    """`ch1=DNA`, or stains in the order of a stack's pages."""
    depth: int | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    features: str | None = None


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


def show(found: Found) -> None:
    """Print the notes, and one picture a plate (the first six)."""
    from impasto import schema
    from impasto.plates import ingest, picture
    from impasto.verbs.terminal import console

    for note in found.notes:
        console.print(f"  {note}", highlight=False)
    if schema.PLATE not in found.wells or schema.WELL not in found.wells:
        return
    wells = ingest.completeness(found)
    plates = list(wells.groupby(schema.PLATE, sort=True))
    for name, mine in plates[:6]:
        console.print(picture.draw(mine, plate=str(name)))
    if len(plates) > 6:
        console.print(f"... and {len(plates) - 6} more plates")
    console.print(picture.LEGEND)
    if not found.planes.empty:
        sites = found.planes.drop_duplicates([schema.PLATE, schema.WELL, schema.SITE])
        stains = ", ".join(sorted(found.planes[schema.CHANNEL].unique()))
        console.print(f"{len(plates)} plates, {len(wells)} wells, {len(sites)} sites, {len(found.planes)} planes; channels {stains}")


VERB = Verb(settings=IngestSettings, inputs=lambda s: [*s.sources, *s.platemap], run=run, result="")
