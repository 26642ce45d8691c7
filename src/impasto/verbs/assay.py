"""`impasto assay PLATES --platemap FILE --out DIR`: from plates to verdicts, by a recipe that it writes down."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from impasto import options, outputs, recipe, remote, runs, texts
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError
from impasto.settings import Shown
from impasto.stages.ingest import IngestSettings, survey
from impasto.verbs import ABOUT, dry_run, shared, terminal

if TYPE_CHECKING:
    from impasto.assay.check import Check
    from impasto.coverage import Coverage
    from impasto.plates.ingest import Found
    from impasto.report.verdicts import Verdicts

RECIPE = "recipe.toml"
_ENCODER = EncoderSettings.model_fields["encoder"]


class AssaySettings(IngestSettings):
    """Plates or tables of profiles, what was done to their wells, and the encoder."""

    negcon: Annotated[list[str], Shown(also="control")] = Field(
        default_factory=list, description="The name of a negative control, such as DMSO; repeatable."
    )
    encoder: str = Field(default=_ENCODER.default, description=f"Of images: {_ENCODER.description}")
    dose_unit: str = Field(default="", description="The unit of all doses, such as uM, where no heading and no cell says it.")
    partial: bool = Field(
        default=False, description="Continue although a fifth of the wells or more is only on the plates, or only in the platemap."
    )
    title: str | None = Field(default=None, description="The title of the report.")
    seed: int = Field(default=0, description="Of the spared controls, the draws and the map.")


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the assay: report.html, hits.xlsx, hits.csv, recipe.toml, index/, stages/.")
    dry_run: bool = Field(default=False, description="Say what was understood and what the design can show; write nothing.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Look at the design, write the recipe, run it, and say what came out."""
    settings = AssaySettings.read({**options.parse_set(flags.changes), **values}, where="impasto assay")
    contents = survey(of_ingest(settings))
    if not flags.as_json:
        dry_run.show(contents)
    looked = look(contents, settings)
    if not flags.as_json:
        show(looked)
    if flags.dry_run:
        if flags.as_json:
            terminal.write_json(as_values(looked))
        else:
            terminal.say("dry run: nothing was written")
        return
    verdicts = work(contents, looked, settings, flags.out)
    if flags.as_json:
        terminal.write_json({"design": as_values(looked), **verdicts.values(), "out": str(flags.out)})
        return
    terminal.console.print()
    for sentence in verdicts.sentences():
        terminal.console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    terminal.say(f"report: {(flags.out / 'report.html').resolve()}")
    terminal.say(f"look closer: impasto explore {flags.out}")


def of_ingest(settings: AssaySettings) -> IngestSettings:
    """The settings of the first stage.

    Parameters
    ----------
    settings
        Of the assay.

    Returns
    -------
    IngestSettings
        What the assay says of sources and platemaps.

    """
    return IngestSettings(**{name: getattr(settings, name) for name in IngestSettings.model_fields})


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
    from impasto.nets.encoders import weights
    from impasto.profiling import extract

    if contents.profiles is None:
        extract.refuse_unknown(settings.encoder)
        if settings.encoder in weights.WEIGHTS:
            weights.folder(settings.encoder)
    elif "encoder" in settings.model_fields_set:
        raise InputError(f"--encoder is for images, and {settings.sources[0]} holds tables of profiles; leave it out")
    covers = covers_of(contents)
    if not settings.partial:
        refusals.refuse_uncovered(covers)
    unit = settings.dose_unit or contents.summary.dose_unit
    return check.check(contents.wells, dose_unit=unit, noted=warnings.of_coverage(covers), seed=settings.seed)


def covers_of(contents: Found) -> list[Coverage]:
    """How far each platemap and the wells cover each other.

    Parameters
    ----------
    contents
        What the sources hold.

    Returns
    -------
    list[Coverage]
        One for each table that was joined by wells.

    """
    return [join.covers for join in contents.summary.joins if join.covers is not None]


def whole(path: Path) -> str:
    """A path as any folder can be named by it.

    Parameters
    ----------
    path
        Of a source.

    Returns
    -------
    str
        An address as it is; else the whole path.

    """
    return remote.url(path) or str(path.absolute())


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
    written = recipe.read(write_recipe(contents, looked, settings, outputs.settled(out, folder=True).absolute()))
    stages = recipe.checked(written, out=out)
    first, of_first = stages[0]
    recipe.execute(first.verb, of_first, out=recipe.result_of(out, first), work=partial(ingest.write, contents))
    recipe.run(written, out)
    return verdicts.of(collect.stages(out))


def write_recipe(contents: Found, looked: Check, settings: AssaySettings, out: Path) -> Path:
    """Write the recipe, unless the same one is there.

    Parameters
    ----------
    contents, looked, settings, out
        As `work` takes them; `out` whole.

    Returns
    -------
    Path
        The recipe.

    Raises
    ------
    InputError
        Where another recipe is there, or one that was changed since.

    """
    from impasto.assay import recipe_text, warnings
    from impasto.plates.digest import digest

    path = out / RECIPE
    asked = of_ingest(settings)
    said = asked.model_dump(mode="json", exclude_defaults=True)
    for word in ("sources", "platemap"):
        said[word] = [whole(source) for source in getattr(asked, word)]
    if asked.root is not None:
        said["root"] = whole(asked.root)
    made = recipe_text.stages(
        {key: value for key, value in said.items() if value != []},
        images=contents.profiles is None,
        encoder=settings.encoder,
        dose_unit=looked.dose_unit,
        noted=warnings.of_coverage(covers_of(contents)),
        replicated=looked.replicated > 0,
        title=settings.title,
    )
    head = f"Written by impasto assay. Repeat or change it: impasto run {RECIPE} --out ANOTHER_FOLDER"
    text = recipe_text.text(made, name=out.name, seed=settings.seed, head=head)

    def write() -> None:
        with runs.atomic(path) as temporary:
            texts.write(temporary, text)

    sources = remote.inputs([*asked.sources, *asked.platemap])
    runs.run_stage(write, verb="assay", settings=settings, inputs=sources, out=path, folder=False, digest=digest)
    return path


command = options.command(
    "assay",
    AssaySettings,
    Flags,
    run=run,
    about=ABOUT["assay"],
    example="impasto assay plate1/ plate2/ --platemap map.xlsx --out assay",
)
