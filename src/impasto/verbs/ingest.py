"""`impasto ingest PLATES_OR_TABLES... --out DIR`: look, check, join the platemap, write the tables that later stages read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.ingest import IngestSettings, found_by
from impasto.verbs import ABOUT, shared, terminal

if TYPE_CHECKING:
    from impasto.plates.ingest import Found


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write.")
    dry_run: bool = Field(default=False, description="Draw the plates and write nothing.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Look, print what was seen, and write the tables."""
    settings = IngestSettings.read({**options.parse_set(flags.changes), **values}, where="impasto ingest")
    if not flags.as_json or flags.dry_run:
        show(found_by(settings))
    if flags.dry_run:
        terminal.say("dry run: nothing was written")
        return
    worked = recipe.execute("ingest", settings, out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


def show(found: Found) -> None:
    """Print the notes, and one picture a plate (the first six)."""
    from impasto import schema
    from impasto.plates import ingest, picture

    for note in found.notes:
        terminal.console.print(f"  {note}", highlight=False)
    if schema.PLATE not in found.wells or schema.WELL not in found.wells:
        return
    wells = ingest.completeness(found)
    plates = list(wells.groupby(schema.PLATE, sort=True))
    for name, mine in plates[:6]:
        terminal.console.print(picture.draw(mine, plate=str(name)))
    if len(plates) > 6:
        terminal.console.print(f"... and {len(plates) - 6} more plates")
    terminal.console.print(picture.LEGEND)
    if not found.planes.empty:
        sites = found.planes.drop_duplicates([schema.PLATE, schema.WELL, schema.SITE])
        stains = ", ".join(sorted(found.planes[schema.CHANNEL].unique()))
        terminal.console.print(
            f"{len(plates)} plates, {len(wells)} wells, {len(sites)} sites, {len(found.planes)} planes; channels {stains}"
        )


command = options.command(
    "ingest",
    IngestSettings,
    Flags,
    run=run,
    about=ABOUT["ingest"],
    example="impasto ingest plate1/ plate2/ --platemap map.tsv --platemap compounds.tsv --out ingested --dry-run",
)
