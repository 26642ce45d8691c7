"""`impasto ingest PLATES_OR_TABLES... --out DIR`: look, check, join the platemaps, write the tables later stages read."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import Field

from impasto.recipe import FOLDER, Verb, digest_of_images
from impasto.schema import InputError
from impasto.settings import Settings, parse_set

if TYPE_CHECKING:
    from impasto.plates.ingest import Found
    from impasto.plates.problems import Problem


class IngestSettings(Settings):
    """Sources (all images or all tables), platemaps in any order, and what cannot be told by looking."""

    sources: list[Path]
    platemap: list[Path] = Field(default_factory=list)
    channels: list[str] = Field(default_factory=list)
    """`ch1=DNA`, or stains in the order of a stack's pages."""
    channel: list[str] = Field(default_factory=list)
    """`Alexa 488=ER`: what a channel is, by its name as it is written, or `ch2`, `w2`."""
    skip_channel: list[str] = Field(default_factory=list)
    """Channels that are left out, by their names as they are written, or `ch2`, `w2`."""
    depth: int | None = None
    time: str | int | None = None
    pattern: str | None = None
    """How names of images are built: `{plate}/{well}_s{site}_w{channel}.tif` (plates/patterns.py)."""
    plate_from: str | None = None
    """What plates are named by: folder, measurement, index, prefix."""
    plate_size: int | None = None
    """How many wells a plate has, where a microscope numbers them."""
    root: Path | None = None
    """Where the files lie that a table names by paths of another machine."""
    columns: dict[str, str] = Field(default_factory=dict)
    features: str | None = None
    """A regular expression that names the features, or `rest`."""
    annotation: list[str] = Field(default_factory=list)
    """Columns that are annotation whatever their name and type."""
    leave_out: list[str] = Field(default_factory=list)
    """Columns that are neither annotation nor features."""
    negcon: list[str] = Field(default_factory=list)
    """Names of perturbations that are negative controls."""
    same_as: Literal["inchikey"] | None = None
    """Perturbations that share an InChIKey are one."""
    level: Literal["site", "cell"] | None = None
    """Of a table with a row a cell: medians of sites, or the cells."""
    layer: str | None = None
    """Of an AnnData: the layer, obsm or `raw` that holds the values."""
    sheet: str | None = None
    """Of a workbook."""
    encoding: str | None = None
    """Of a text that is neither UTF-8, UTF-16 nor cp1252."""


_AS_ONE_WORD = ("channels", "annotation")
"""Fields whose option takes all values at once, with commas."""


def found_by(settings: IngestSettings) -> Found:
    """What these settings find. Writes nothing."""
    from impasto.plates import images, ingest
    from impasto.plates.annotate import Wishes
    from impasto.plates.profile_tables import Opening
    from impasto.plates.reader import Asked
    from impasto.spelling import Choices

    order = [part for part in settings.channels if "=" not in part]
    if order and len(order) < len(settings.channels):
        raise InputError(
            "--channels is parted at commas, and mixes NAME=STAIN with bare stains; write ch1=DNA,ch2=ER or, for stacks, DNA,ER; a name "
            "with a comma goes into an option of its own: --channel 'NAME=STAIN'"
        )
    named = {} if order else dict(map(_name_and_stain, settings.channels))
    for said in settings.channel:
        name, stain = _name_and_stain(said)
        if named.setdefault(name, stain) != stain:
            raise InputError(f"--channel says that {name!r} is {named[name]} and {stain}; say one")
    text = {word: None if value is None else str(value) for word, value in (("depth", settings.depth), ("time", settings.time))}
    taken = images.Choices(named, settings.skip_channel, **text, plate_from=settings.plate_from or "")
    asked = Asked(settings.pattern or "", tuple(order), settings.plate_size, settings.root)
    choices = Choices(settings.columns, settings.features, settings.annotation, settings.leave_out)
    return ingest.find(
        settings.sources,
        platemaps=settings.platemap,
        asked=asked,
        choices=taken,
        opening=Opening(choices, settings.layer, settings.level, settings.sheet, settings.encoding),
        wishes=Wishes(settings.negcon, settings.same_as),
    )


def _name_and_stain(said: str) -> tuple[str, str]:
    """`405ex, 570-630-em)=Actin` -> its two halves. Raises InputError where one is blank."""
    name, _, stain = said.rpartition("=")
    if not name.strip() or not stain.strip():
        raise InputError(f"--channel {said!r} is not NAME=STAIN, as in --channel 'Alexa 488=ER'")
    return name.strip(), stain.strip()


def run(settings: IngestSettings, out: Path) -> None:
    """Write images.parquet and wells.parquet, or profiles.parquet, at `out`."""
    from impasto.plates import ingest

    ingest.write(found_by(settings), out)


def mended(settings: IngestSettings) -> tuple[Found, IngestSettings, list[Problem]]:
    """What is found once the options that the refusals themselves offer are taken; those problems, each with its options.

    Raises InputError where a refusal offers none.
    """
    from impasto.plates.problems import Problem
    from impasto.plates.summary import options_in

    problems: list[Problem] = []
    for _ in range(10):
        try:
            return found_by(settings), settings, problems
        except InputError as error:
            options = options_in(str(error))
            better = with_options(settings, options)
            if better == settings:
                raise
            problems.append(Problem(str(error), options))
            settings = better
    raise InputError(problems[-1].sentence)


def with_options(settings: IngestSettings, options: tuple[str, ...]) -> IngestSettings:
    """The settings with words of the command line added (`--negcon`, `DMSO`); the same where one is no option of this verb."""
    values: dict[str, Any] = settings.model_dump(mode="json")
    for name, value in zip(options[::2], options[1::2], strict=True):
        field = name.removeprefix("--").replace("-", "_")
        if name == "--set":
            values["columns"] |= parse_set([value]).get("columns", {})
        elif field not in values:
            return settings
        elif isinstance(values[field], list):
            values[field] += value.split(",") if field in _AS_ONE_WORD else [value]
        else:
            values[field] = int(value) if value.isdigit() else value
    return IngestSettings.read(values, where="impasto ingest")


def command_of(settings: IngestSettings, *, out: Path) -> str:
    """The command line of these settings."""
    words = ["impasto", "ingest", *map(str, settings.sources)]
    for name, value in settings.model_dump(mode="json").items():
        option = "--" + name.replace("_", "-")
        if name == "sources" or (not value and value != 0):
            continue
        if name == "columns":
            words += [word for key, column in value.items() for word in ("--set", f"columns.{key}={column}")]
        elif name in _AS_ONE_WORD:
            words += [option, ",".join(value)]
        elif isinstance(value, list):
            words += [word for one in value for word in (option, str(one))]
        else:
            words += [option, str(value)]
    return shlex.join([*words, "--out", str(out)])


def command(
    sources: Annotated[list[Path], typer.Argument(metavar="PLATES_OR_TABLES...", help="Folders of images, sheets, or tables of profiles.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    platemap: Annotated[
        list[Path] | None, typer.Option(help="A platemap or list of compounds (CSV, Excel, a grid...); repeatable.")
    ] = None,
    channels: Annotated[str, typer.Option(help="ch1=DNA,ch2=ER..., or the stains of a stack's pages in order: DNA,ER,...")] = "",
    channel: Annotated[
        list[str] | None, typer.Option(metavar="NAME=STAIN", help="What a channel is: 'Alexa 488=ER', ch2=ER, NAME=own:LIPIDS; repeatable.")
    ] = None,
    skip_channel: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A channel to leave out; repeatable.")] = None,
    depth: Annotated[int | None, typer.Option(help="The plane in depth to read, where there are several.")] = None,
    time: Annotated[str | None, typer.Option(help="The time point to read, where there are several.")] = None,
    pattern: Annotated[
        str | None, typer.Option(help="How names of images are built: '{plate}/{well}_s{site}_w{channel}.tif', a regular expression.")
    ] = None,
    plate_from: Annotated[str | None, typer.Option(help="What plates are named by: folder, measurement, index or prefix.")] = None,
    plate_size: Annotated[int | None, typer.Option(help="96, 384 or 1536, where a microscope numbers its wells.")] = None,
    root: Annotated[Path | None, typer.Option(help="Where the files lie that a table names by paths of another machine.")] = None,
    negcon: Annotated[list[str] | None, typer.Option(help="The name of a negative control, such as DMSO; repeatable.")] = None,
    same_as: Annotated[str | None, typer.Option(help="inchikey: perturbations that share an InChIKey are one.")] = None,
    features: Annotated[str | None, typer.Option(help="A regular expression that names the feature columns, or rest.")] = None,
    annotation: Annotated[str, typer.Option(help="Columns that are annotation, with commas.")] = "",
    leave_out: Annotated[list[str] | None, typer.Option(help="A column to leave out; repeatable.")] = None,
    level: Annotated[str | None, typer.Option(help="Of a table with a row a cell: site (medians and counts) or cell.")] = None,
    layer: Annotated[str | None, typer.Option(help="Of an AnnData: the layer, obsm or raw that holds the values.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The encoding of a text that is neither UTF-8, UTF-16 nor cp1252.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="For tables, as columns.well=Position.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell all, draw the plates and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one object.")] = False,
) -> None:
    """Find plates or tables, check them, join the platemaps.

    Example: `impasto ingest plate1/ plate2/ --platemap map.xlsx --platemap compounds.tsv --out ingested --dry-run`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    values: dict[str, Any] = {
        "sources": sources,
        "platemap": platemap or [],
        "channels": [c.strip() for c in channels.split(",") if c.strip()],
        "channel": channel or [],
        "skip_channel": skip_channel or [],
        "depth": depth,
        "time": time,
        "pattern": pattern,
        "plate_from": plate_from,
        "plate_size": plate_size,
        "root": root and str(root),
        "negcon": negcon or [],
        "same_as": same_as,
        "features": features,
        "annotation": [c.strip() for c in annotation.split(",") if c.strip()],
        "leave_out": leave_out or [],
        "level": level,
        "layer": layer,
        "sheet": sheet,
        "encoding": encoding,
        **parse_set(changes or []),
    }
    settings = IngestSettings.read(
        {k: [str(p) for p in v] if isinstance(v, list) else v for k, v in values.items()}, where="impasto ingest"
    )
    if dry_run:
        tell_all(settings, out=out, as_json=as_json)
        return
    found = found_by(settings)
    if not as_json:
        show(found)
    worked = recipes.execute("ingest", settings, out=out)
    if as_json:
        _print_json(found, [], settings, settings, out=out)
        return
    console.print(f"{'wrote' if worked else 'already there:'} {out}")


def tell_all(settings: IngestSettings, *, out: Path, as_json: bool) -> None:
    """The dry run: what would be read, every problem with the command that solves it, and the command to run next."""
    from impasto.verbs.terminal import console

    found, better, refusals = mended(settings)
    if as_json:
        _print_json(found, refusals, settings, better, out=out)
        return
    show(found)
    for problem in refusals:
        console.print(f"problem: {problem.sentence}", highlight=False, markup=False, soft_wrap=True)
        console.print(
            f"  solved by: {command_of(with_options(settings, problem.options), out=out)}", highlight=False, markup=False, soft_wrap=True
        )
    following = with_options(better, tuple(o for p in found.summary.problems for o in p.options))
    console.print("dry run: nothing was written; next:")
    console.print(f"  {command_of(following, out=out)}", highlight=False, markup=False, soft_wrap=True)


def _print_json(found: Found, refusals: list[Problem], given: IngestSettings, better: IngestSettings, *, out: Path) -> None:
    from impasto.plates import summary

    problems = [*refusals, *found.summary.problems]
    commands = {p.sentence: command_of(with_options(given, p.options), out=out) for p in problems if p.options}
    following = with_options(better, tuple(o for p in found.summary.problems for o in p.options))
    whole = summary.as_json(
        found.summary, notes=found.notes, problems=problems, commands=commands, next_command=command_of(following, out=out)
    )
    sys.stdout.write(json.dumps(whole, indent=2, default=str) + "\n")


def show(found: Found) -> None:
    """Print the notes and problems, and one picture a plate (the first six)."""
    from impasto import schema, wells
    from impasto.plates import ingest, picture, summary
    from impasto.verbs.terminal import console

    for note in (*found.notes, *summary.lines(found.summary), *(problem.sentence for problem in found.summary.problems)):
        console.print(f"  {note}", highlight=False, markup=False)
    if schema.PLATE not in found.wells or schema.WELL not in found.wells:
        return
    of_wells = ingest.completeness(found)
    codes, names = wells.plates(of_wells)
    for code, name in list(enumerate(names))[:6]:
        console.print(picture.draw(of_wells[(codes == code) & of_wells[schema.WELL].notna().to_numpy()], plate=name.strip("/")))
    if len(names) > 6:
        console.print(f"... and {len(names) - 6} more plates")
    console.print(picture.LEGEND)
    if not found.planes.empty:
        sites = found.planes.drop_duplicates([*wells.keys_of_plate(found.planes), schema.WELL, schema.SITE])
        stains = ", ".join(sorted(found.planes[schema.CHANNEL].unique()))
        console.print(f"{len(names)} plates, {len(of_wells)} wells, {len(sites)} sites, {len(found.planes)} planes; channels {stains}")


VERB = Verb(settings=IngestSettings, inputs=lambda s: [*s.sources, *s.platemap], run=run, result="", writes=FOLDER, digest=digest_of_images)
