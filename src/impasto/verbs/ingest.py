"""`impasto ingest PLATES_OR_TABLES... --out DIR`: look, check, join the platemap, write the tables that later stages read."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from impasto import options, recipe
from impasto.settings import Shown
from impasto.stages.ingest import IngestSettings, survey
from impasto.verbs import ABOUT, dry_run, shared, terminal

if TYPE_CHECKING:
    from impasto.plates.ingest import Found


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write.")
    fetch_list: Annotated[Path | None, Shown(metavar="FILE")] = Field(
        default=None, description="Write here the remote files that it names, for impasto fetch FILE."
    )
    dry_run: bool = Field(default=False, description="Print what was understood, draw the plates, and write nothing.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Look, print what was seen, and write the tables."""
    from impasto.plates import ingest

    settings = IngestSettings.read({**options.parse_set(flags.changes), **values}, where="impasto ingest")
    if flags.dry_run:
        dry_run.print_all(settings, out=flags.out, as_json=flags.as_json)
    if flags.dry_run and flags.fetch_list is None:
        return
    contents = survey(settings)
    if flags.fetch_list is not None:
        write_fetch_list(contents, flags.fetch_list)
    if flags.dry_run:
        return
    if not flags.as_json:
        dry_run.show(contents)
    # What was shown is what is written: the plates are not read a second time.
    worked = recipe.execute("ingest", settings, out=flags.out, work=partial(ingest.write, contents))
    if flags.as_json:
        dry_run.print_json(contents, [], settings, settings, out=flags.out)
    else:
        terminal.wrote(flags.out, worked, as_json=False)


def write_fetch_list(contents: Found, path: Path) -> None:
    """Write the remote files that were named, one a line.

    Parameters
    ----------
    contents
        What the sources hold.
    path
        The file to write.

    """
    from impasto.plates import remote_files

    count = remote_files.write_list(remote_files.urls_of(contents.planes), path)
    terminal.say(f"{path}: {count} remote files; fetch them with: impasto fetch {path}")


command = options.command(
    "ingest",
    IngestSettings,
    Flags,
    run=run,
    about=ABOUT["ingest"],
    example="impasto ingest plate1/ plate2/ --platemap map.xlsx --platemap compounds.tsv --out ingested --dry-run",
)
