"""`impasto ingest --dry-run`: every problem with the command that solves it, and the command to run next."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.need import announced
from impasto.options import parse_set
from impasto.schema import InputError
from impasto.stages import needs_of_images
from impasto.stages.held import Sizes
from impasto.stages.ingest import IngestSettings, survey
from impasto.verbs import terminal

if TYPE_CHECKING:
    from impasto.plates.ingest import Found
    from impasto.plates.problems import Problem

_AS_ONE_WORD = ("channels", "annotation")
"""Fields whose option takes all values at once, with commas."""


def mended(settings: IngestSettings) -> tuple[Found, IngestSettings, list[Problem]]:
    """What the sources hold once the options that the refusals themselves offer are taken; those problems, each with its options.

    Parameters
    ----------
    settings
        What was typed.

    Returns
    -------
    contents
        Planes or profiles, and wells.
    settings
        With the options that were taken; those that only the user can know stand there as STAIN.
    problems
        Each refusal with the options that solve it.

    Raises
    ------
    InputError
        Where a refusal offers no option.

    """
    from impasto.plates import stains
    from impasto.plates.problems import Problem
    from impasto.plates.summary import options_in

    tried, problems = settings, list[Problem]()
    for _ in range(10):
        try:
            return survey(tried), settings, problems
        except InputError as error:
            options = options_in(str(error), unsaid={stains.ANY})
            better = with_options(tried, stains.own_names(options))
            if better == tried:
                raise
            problems.append(Problem(str(error), options))
            tried, settings = better, with_options(settings, options)
    raise InputError(problems[-1].sentence)


def with_options(settings: IngestSettings, options: tuple[str, ...]) -> IngestSettings:
    """The settings with words of the command line added (`--negcon`, `DMSO`); the same where one is no option of this verb.

    Parameters
    ----------
    settings
        What was typed.
    options
        Options and their values in turn.

    Returns
    -------
    IngestSettings
        With the options; the same settings where one is no option of this verb.

    """
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
    """The command line of these settings.

    Parameters
    ----------
    settings
        Sources and options.
    out
        The folder that is written.

    Returns
    -------
    str
        One line that a shell reads.

    """
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


def print_all(settings: IngestSettings, *, out: Path, as_json: bool) -> None:
    """The dry run: what would be read, every problem with the command that solves it, and the command to run next.

    Parameters
    ----------
    settings
        What was typed.
    out
        The folder that would be written.
    as_json
        One JSON object instead of sentences.

    """
    contents, better, refusals = mended(settings)
    if as_json:
        print_json(contents, refusals, settings, better, out=out)
        return
    show(contents)
    for problem in refusals:
        terminal.console.print(f"problem: {problem.sentence}", highlight=False, markup=False, soft_wrap=True)
        terminal.console.print(
            f"  solved by: {command_of(with_options(settings, problem.options), out=out)}", highlight=False, markup=False, soft_wrap=True
        )
    following = with_options(better, tuple(o for p in contents.summary.problems for o in p.options))
    for line in announced(needs_of_images.of_ingest(settings.sources, out, Sizes())):
        terminal.console.print(line, highlight=False, markup=False, soft_wrap=True)
    terminal.console.print("dry run: nothing was written; next:")
    terminal.console.print(f"  {command_of(following, out=out)}", highlight=False, markup=False, soft_wrap=True)


def print_json(contents: Found, refusals: list[Problem], settings: IngestSettings, better: IngestSettings, *, out: Path) -> None:
    """Print the whole dry run as one JSON object.

    Parameters
    ----------
    contents
        What the sources hold.
    refusals
        Problems that options solve.
    settings, better
        What was typed, and with these options.
    out
        The folder that would be written.

    """
    from impasto.plates import summary

    problems = [*refusals, *contents.summary.problems]
    commands = {p.sentence: command_of(with_options(settings, p.options), out=out) for p in problems if p.options}
    following = with_options(better, tuple(o for p in contents.summary.problems for o in p.options))
    whole = summary.as_json(
        contents.summary, notes=contents.notes, problems=problems, commands=commands, next_command=command_of(following, out=out)
    )
    terminal.write_json(whole)


def show(contents: Found) -> None:
    """Print the notes and problems, and one picture a plate (the first six).

    Parameters
    ----------
    contents
        What the sources hold.

    """
    from impasto import schema, wells
    from impasto.plates import ingest, picture, summary

    for note in (*contents.notes, *summary.lines(contents.summary), *(problem.sentence for problem in contents.summary.problems)):
        terminal.console.print(f"  {note}", highlight=False, markup=False)
    if schema.PLATE not in contents.wells or schema.WELL not in contents.wells:
        return
    of_wells = ingest.completeness(contents)
    codes, names = wells.plates(of_wells)
    for code, name in list(enumerate(names))[:6]:
        terminal.console.print(picture.draw(of_wells[(codes == code) & of_wells[schema.WELL].notna().to_numpy()], plate=name.strip("/")))
    if len(names) > 6:
        terminal.console.print(f"... and {len(names) - 6} more plates")
    terminal.console.print(picture.LEGEND)
    if not contents.planes.empty:
        sites = sum(plate["sites"] for plate in contents.summary.plates)
        stains = ", ".join(sorted(contents.planes[schema.CHANNEL].unique()))
        terminal.console.print(
            f"{len(names)} plates, {len(of_wells)} wells, {sites} sites, {len(contents.planes)} planes; channels {stains}"
        )
