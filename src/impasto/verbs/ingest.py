"""`impasto ingest PLATES_OR_TABLES... --out DIR`: look, check, join the platemap, write the tables later stages read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field

from impasto.recipe import FOLDER, Verb, digest_of_images
from impasto.schema import InputError
from impasto.settings import Settings, parse_set

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


def command(
    sources: Annotated[list[Path], typer.Argument(metavar="PLATES_OR_TABLES...", help="Folders of images, sheets, or tables of profiles.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    platemap: Annotated[list[Path] | None, typer.Option(help="A platemap or annotation table; may be given several times.")] = None,
    channels: Annotated[str, typer.Option(help="ch1=DNA,ch2=ER..., or the stains of a stack's pages in order: DNA,ER,...")] = "",
    depth: Annotated[int | None, typer.Option(help="The plane in depth to read, where there are several.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="For tables, as columns.well=Position.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Draw the plates and write nothing.")] = False,
) -> None:
    """Find plates or tables, check them, join the platemap.

    Example: `impasto ingest plate1/ plate2/ --platemap map.tsv --platemap compounds.tsv --out ingested --dry-run`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    values: dict[str, Any] = {
        "sources": sources,
        "platemap": platemap or [],
        "channels": [c.strip() for c in channels.split(",") if c.strip()],
        "depth": depth,
        **parse_set(changes or []),
    }
    settings = IngestSettings.read(
        {k: [str(p) for p in v] if isinstance(v, list) else v for k, v in values.items()}, where="impasto ingest"
    )
    found = found_by(settings)
    show(found)
    if dry_run:
        console.print("dry run: nothing was written")
        return
    worked = recipes.execute("ingest", settings, out=out)
    console.print(f"{'wrote' if worked else 'already there:'} {out}")


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


VERB = Verb(settings=IngestSettings, inputs=lambda s: [*s.sources, *s.platemap], run=run, result="", writes=FOLDER, digest=digest_of_images)
