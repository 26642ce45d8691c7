"""The sources of an assay: which of three kinds they are, what lies there, and the recipe that is written for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from impasto import remote, runs, texts
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError
from impasto.settings import Shown
from impasto.stages import ingest
from impasto.stages.ingest import IngestSettings

if TYPE_CHECKING:
    from impasto.assay.check import Check
    from impasto.assay.recipe_text import Kind
    from impasto.coverage import Coverage
    from impasto.plates.ingest import Found

RECIPE = "recipe.toml"
_ENCODER = EncoderSettings.model_fields["encoder"]
_OF_CELLS = {"sources", "platemap", "negcon", "columns"}
"""Fields of an ingest that tables of cells have too."""


class AssaySettings(IngestSettings):
    """Plates, tables of profiles or tables of cells, what was done to their wells, and the encoder."""

    negcon: Annotated[list[str], Shown(also="control")] = Field(
        default_factory=list, description="The name of a negative control, such as DMSO; repeatable."
    )
    encoder: str = Field(default=_ENCODER.default, description=f"Of images: {_ENCODER.description}")
    cells: bool = Field(default=False, description="Of images: segment and count the cells too, and ask which part of them responds.")
    unit: str = Field(default="Cells", description="Of tables of cells: the kind of object that has one row a cell.")
    dose_unit: str = Field(default="", description="The unit of all doses, such as uM, where no heading and no cell says it.")
    partial: bool = Field(
        default=False, description="Continue although a fifth of the wells or more is only on the plates, or only in the platemap."
    )
    title: str | None = Field(default=None, description="The title of the report.")
    seed: int = Field(default=0, description="Of the spared controls, the draws and the map.")


def survey(settings: AssaySettings) -> Found:
    """What the sources hold.

    Parameters
    ----------
    settings
        Of the assay.

    Returns
    -------
    Found
        Planes, profiles, or only wells where the sources are tables of cells.

    Raises
    ------
    InputError
        Where something cannot be read, or an option does not fit.

    """
    from impasto.assay import of_cells

    asked = of_ingest(settings)
    if settings.level is not None or not of_cells.are_cells(asked.sources):
        return ingest.survey(asked)
    for field in sorted(set(IngestSettings.model_fields) - _OF_CELLS):
        if getattr(asked, field) not in (None, []):
            raise InputError(f"--{field.replace('_', '-')} does not fit {asked.sources[0]}, which holds a row a cell; leave it out")
    return of_cells.survey(asked.sources, platemaps=asked.platemap, negcon=asked.negcon, columns=asked.columns)


def kind_of(contents: Found) -> Kind:
    """What the sources are.

    Parameters
    ----------
    contents
        As `survey` gives them.

    Returns
    -------
    Kind
        Images, profiles or cells.

    """
    if contents.profiles is not None:
        return "profiles"
    return "cells" if contents.planes.empty else "images"


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


def recipe_of(contents: Found, looked: Check, settings: AssaySettings, *, name: str) -> str:
    """The recipe of these sources.

    Parameters
    ----------
    contents, looked, settings
        As `work` takes them.
    name
        Of the recipe.

    Returns
    -------
    str
        TOML.

    """
    from impasto.assay import recipe_text, warnings
    from impasto.evaluation.subpopulations import FEWEST_CONTROLS

    asked, kind = of_ingest(settings), kind_of(contents)
    said = asked.model_dump(mode="json", exclude_defaults=True)
    for word in ("sources", "platemap"):
        said[word] = [whole(source) for source in getattr(asked, word)]
    if asked.root is not None:
        said["root"] = whole(asked.root)
    if kind == "cells" and "unit" in settings.model_fields_set:
        said["unit"] = settings.unit
    made = recipe_text.stages(
        {key: value for key, value in said.items() if value != []},
        kind=kind,
        encoder=settings.encoder,
        dose_unit=looked.dose_unit,
        noted=warnings.of_coverage(covers_of(contents)),
        replicated=looked.replicated > 0,
        segmented=settings.cells,
        responding=max(plate.controls for plate in looked.plates) >= FEWEST_CONTROLS,
        title=settings.title,
    )
    head = f"Written by impasto assay. Repeat or change it: impasto run {RECIPE} --out ANOTHER_FOLDER"
    return recipe_text.text(made, name=name, seed=settings.seed, head=head)


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
    from impasto.plates.digest import digest

    path = out / RECIPE
    text = recipe_of(contents, looked, settings, name=out.name)

    def write() -> None:
        with runs.atomic(path) as temporary:
            texts.write(temporary, text)

    asked = of_ingest(settings)
    sources = remote.inputs([*asked.sources, *asked.platemap])
    runs.run_stage(write, verb="assay", settings=settings, inputs=sources, out=path, folder=False, digest=digest)
    return path
