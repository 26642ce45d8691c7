"""`impasto assay PLATES --platemap FILE --out DIR`: from plates to verdicts, by a recipe that it writes down."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from impasto import options, outputs, recipe, recipe_needs
from impasto.explorer import serving
from impasto.schema import InputError
from impasto.verbs import ABOUT, dry_run, shared, terminal
from impasto.verbs import assay_sources as sources
from impasto.verbs.assay_sources import AssaySettings

if TYPE_CHECKING:
    from impasto.assay.check import Check
    from impasto.plates.ingest import Found
    from impasto.recipe_needs import OfStage
    from impasto.report.verdicts import Verdicts


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the assay: report.html, hits.xlsx, hits.csv, recipe.toml, index/, stages/.")
    dry_run: bool = Field(default=False, description="Say what was understood and what the design can show; write nothing.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Look at the design, write the recipe, run it, and say what came out."""
    settings = AssaySettings.read({**options.parse_set(flags.changes), **values}, where="impasto assay")
    contents = sources.survey(settings)
    if not flags.as_json:
        dry_run.show(contents)
    looked = look(contents, settings)
    if not flags.as_json:
        show(looked)
    if flags.dry_run:
        stages = needs(contents, looked, settings, flags.out)
        values = {**as_values(looked), "estimate": recipe_needs.as_values(stages)}
        terminal.dry_run(recipe_needs.sentences(stages), values, as_json=flags.as_json)
        return
    verdicts = work(contents, looked, settings, flags.out)
    if flags.as_json:
        terminal.write_json({"design": as_values(looked), **verdicts.values(), "out": str(flags.out)})
        return
    terminal.console.print()
    for sentence in verdicts.sentences():
        terminal.console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    terminal.say(f"report: {(flags.out / 'report.html').resolve()}")
    terminal.say(f"look closer: {serving.invitation(flags.out)}")


def look(contents: Found, settings: AssaySettings) -> Check:
    """The design of what lies there.

    Parameters
    ----------
    contents
        What the sources hold.
    settings
        Of the assay.

    Returns
    -------
    Check
        What it can show.

    Raises
    ------
    InputError
        Where it cannot be analysed.

    """
    from impasto.assay import check, refusals, warnings
    from impasto.cells import segment
    from impasto.nets.encoders import weights
    from impasto.profiling import extract

    kind = sources.kind_of(contents)
    if kind == "images":
        extract.refuse_unknown(settings.encoder)
        if settings.encoder in weights.WEIGHTS:
            weights.folder(settings.encoder)
        if settings.cells:
            segment.require()
    for field, of in (("encoder", "images"), ("cells", "images"), ("unit", "cells")):
        if field in settings.model_fields_set and kind != of:
            held = kind if kind == "images" else f"tables of {kind}"
            raise InputError(
                f"--{field} is for {of if of == 'images' else 'tables of cells'}, and {settings.sources[0]} holds {held}; leave it out"
            )
    covers = sources.covers_of(contents)
    if not settings.partial:
        refusals.refuse_uncovered(covers)
    unit = settings.dose_unit or contents.summary.dose_unit
    return check.check(contents.wells, dose_unit=unit, noted=warnings.of_coverage(covers), seed=settings.seed)


def show(looked: Check) -> None:
    """Print the design, and what its numbers must be read with.

    Parameters
    ----------
    looked
        The design.

    """
    for sentence in looked.sentences:
        terminal.console.print(f"design: {sentence}", highlight=False, markup=False, soft_wrap=True)
    for sentence in looked.warnings:
        terminal.console.print(f"warning: {sentence}", highlight=False, markup=False, soft_wrap=True)


def as_values(looked: Check) -> dict[str, Any]:
    """The design as JSON holds it.

    Parameters
    ----------
    looked
        The design.

    Returns
    -------
    dict
        Plain values.

    """
    from dataclasses import asdict

    return asdict(looked)


def needs(contents: Found, looked: Check, settings: AssaySettings, out: Path) -> list[OfStage]:
    """What the stages will take. Nothing is written.

    Parameters
    ----------
    contents, looked, settings, out
        As `work` takes them.

    Returns
    -------
    list[OfStage]
        In their order.

    """
    from impasto.stages import held

    home = out.absolute()
    made = recipe.parsed(sources.recipe_of(contents, looked, settings, name=home.name), path=home / sources.RECIPE)
    first = made.stages[0]
    surveyed = {first.name: held.of_found(contents, recipe.result_of(home, first))} if first.verb == "ingest" else {}
    return recipe_needs.of_recipe(made, out=home, surveyed=surveyed)


def work(contents: Found, looked: Check, settings: AssaySettings, out: Path) -> Verdicts:
    """Write the recipe and run its stages, each skipped where it is done.

    Parameters
    ----------
    contents
        What the sources hold: what was shown is what is written.
    looked
        Their design.
    settings
        Of the assay.
    out
        The folder of the assay.

    Returns
    -------
    Verdicts
        What came out.

    """
    from impasto.plates import ingest
    from impasto.report import collect, verdicts

    # A recipe's relative paths start at its folder, and the key of a stage holds its paths: written whole, they are the same from anywhere.
    written = recipe.read(sources.write_recipe(contents, looked, settings, outputs.settled(out, folder=True).absolute()))
    first, of_first = recipe.checked(written, out=out)[0]
    if first.verb == "ingest":
        recipe.execute(first.verb, of_first, out=recipe.result_of(out, first), work=partial(ingest.write, contents))
    recipe.run(written, out)
    return verdicts.of(collect.stages(out))


command = options.command(
    "assay",
    AssaySettings,
    Flags,
    run=run,
    about=ABOUT["assay"],
    example="impasto assay plate1/ plate2/ --platemap map.xlsx --out assay",
)
