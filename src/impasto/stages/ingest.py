"""Plates or tables, found, checked, joined with the platemaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages import held, needs_of_images
from impasto.stages.base import FOLDER, Verb, digest_of_images
from impasto.stages.held import Held, Sizes

if TYPE_CHECKING:
    from impasto.plates.ingest import Found


class IngestSettings(Settings):
    """Sources (all images or all tables), platemaps in any order, and what cannot be seen in them."""

    sources: Annotated[list[Path], Shown("argument", metavar="PLATES_OR_TABLES...")] = Field(
        description="Folders of images, sheets, or tables of profiles."
    )
    platemap: list[Path] = Field(default_factory=list, description="A platemap or list of compounds (CSV, Excel, a grid...); repeatable.")
    channels: Annotated[list[str], Shown(separator=",")] = Field(
        default_factory=list, description="ch1=DNA,ch2=ER..., or the stains of a stack's pages in order: DNA,ER,..."
    )
    channel: list[str] = Field(
        default_factory=list, description="NAME=STAIN: what a channel is ('Alexa 488=ER', ch2=ER, NAME=own:LIPIDS); repeatable."
    )
    skip_channel: list[str] = Field(default_factory=list, description="A channel to leave out, by its name, ch2 or w2; repeatable.")
    depth: int | None = Field(default=None, description="The plane in depth to read, where there are several.")
    time: Annotated[str | None, BeforeValidator(lambda said: None if said is None else str(said))] = Field(
        default=None, description="The time point to read, where there are several."
    )
    pattern: str | None = Field(
        default=None, description="How names of images are built: '{plate}/{well}_s{site}_w{channel}.tif', a regular expression."
    )
    plate_from: str | None = Field(default=None, description="What plates are named by: folder, measurement, index or prefix.")
    plate_size: int | None = Field(default=None, description="96, 384 or 1536, where a microscope numbers its wells.")
    root: Path | None = Field(default=None, description="Where the files lie that a table names by paths of another machine.")
    columns: dict[str, str] = Field(default_factory=dict, description="Of tables: our word -> their column (--set columns.well=Position).")
    features: str | None = Field(default=None, description="A regular expression that names the feature columns, or rest.")
    annotation: Annotated[list[str], Shown(separator=",")] = Field(
        default_factory=list, description="Columns that are annotation, with commas."
    )
    leave_out: list[str] = Field(default_factory=list, description="A column to leave out; repeatable.")
    negcon: list[str] = Field(default_factory=list, description="The name of a negative control, such as DMSO; repeatable.")
    same_as: Literal["inchikey"] | None = Field(
        default=None, description="inchikey: perturbations that share an InChIKey are merged, and their names printed."
    )
    level: Literal["site", "cell"] | None = Field(
        default=None, description="Of a table with a row a cell: site (medians and counts) or cell."
    )
    layer: str | None = Field(default=None, description="Of an AnnData: the layer, obsm or raw that holds the values.")
    sheet: str | None = Field(default=None, description="The sheet of a workbook.")
    encoding: str | None = Field(default=None, description="The encoding of a text that is neither UTF-8, UTF-16 nor cp1252.")


def survey(settings: IngestSettings) -> Found:
    """What the sources hold, checked and joined with the platemaps. Writes nothing.

    Parameters
    ----------
    settings
        The sources and how they are read.

    Returns
    -------
    Found
        Planes of images or profiles, wells, and what is to be said of them.

    Raises
    ------
    InputError
        Where something cannot be read, or does not fit; the sentence offers the option that helps.

    """
    from impasto.plates import ingest
    from impasto.plates.annotate import Wishes
    from impasto.plates.images import Choices as ChoicesOfImages
    from impasto.plates.profile_tables import Opening
    from impasto.plates.reader import Asked
    from impasto.spelling import Choices

    order, stains = _stains(settings)
    depth = None if settings.depth is None else str(settings.depth)
    choices = Choices(settings.columns, settings.features, settings.annotation, settings.leave_out)
    contents = ingest.find(
        settings.sources,
        platemaps=settings.platemap,
        asked=Asked(settings.pattern or "", order, settings.plate_size, settings.root),
        choices=ChoicesOfImages(stains, settings.skip_channel, depth, settings.time, settings.plate_from or ""),
        opening=Opening(choices, settings.layer, settings.level, settings.sheet, settings.encoding),
        wishes=Wishes(settings.negcon, settings.same_as),
    )
    _refuse_unused(settings, images=contents.profiles is None)
    return contents


_OF_IMAGES = ("channels", "channel", "skip_channel", "depth", "time", "pattern", "plate_from", "plate_size", "root")
_OF_TABLES = ("features", "annotation", "leave_out", "level", "layer")
"""Options that only one of the two kinds of sources has."""


def _refuse_unused(settings: IngestSettings, *, images: bool) -> None:
    """Raise InputError where an option is given that these sources do not have: it would be passed over."""
    from impasto import remote, tables

    for field in _OF_TABLES if images else _OF_IMAGES:
        if getattr(settings, field) not in (None, []):
            kind, other = ("images", "tables of profiles") if images else ("tables of profiles", "images")
            raise InputError(f"--{field.replace('_', '-')} is for {other}, and {settings.sources[0]} holds {kind}; leave it out")
    read = {tables.kind(remote.local(path)) for path in (settings.platemap if images else [*settings.sources, *settings.platemap])}
    for option, said, kind, what in (
        ("--encoding", settings.encoding, tables.TEXT, "text (CSV, TSV)"),
        ("--sheet", settings.sheet, tables.EXCEL, "workbooks (Excel, ods)"),
    ):
        if said is not None and kind not in read:
            raise InputError(f"{option} is for {what}, and no table that is read is one; leave it out")
    if settings.root is not None and not settings.root.is_dir():
        raise InputError(f"--root {settings.root} is no folder; give the one below which the files lie")


def _stains(settings: IngestSettings) -> tuple[tuple[str, ...], dict[str, str]]:
    """Stains in the order of a stack's pages, or channel as written -> stain. Raises InputError where two are said of one."""
    order = tuple(part for part in settings.channels if "=" not in part)
    if order and len(order) < len(settings.channels):
        raise InputError(
            "--channels is parted at commas, and mixes NAME=STAIN with bare stains; write ch1=DNA,ch2=ER or, for stacks, DNA,ER; a name "
            "with a comma goes into an option of its own: --channel 'NAME=STAIN'"
        )
    stains: dict[str, str] = {}
    for said in [*([] if order else settings.channels), *settings.channel]:
        name, _, stain = (part.strip() for part in said.rpartition("="))
        if not name or not stain:
            raise InputError(f"--channel {said!r} is not NAME=STAIN, as in --channel 'Alexa 488=ER'")
        if stains.setdefault(name, stain) != stain:
            raise InputError(f"--channel says that {name!r} is {stains[name]} and {stain}; say one")
    return order, stains


def run(settings: IngestSettings, out: Path) -> None:
    """Write images.parquet and wells.parquet, or profiles.parquet, at `out`."""
    from impasto.plates import ingest

    ingest.write(survey(settings), out)


def leaves(settings: IngestSettings, out: Path, _: Sizes) -> Mapping[Path, Held]:
    """What `run` will leave, by a look at the sources.

    Parameters
    ----------
    settings
        The sources and how they are read.
    out
        The folder that it would write.

    Returns
    -------
    Mapping
        Path -> what it will hold; empty where an earlier stage has yet to make the sources.

    """
    return held.of_found(survey(settings), out) if all(source.exists() for source in settings.sources) else {}


VERB = Verb(
    settings=IngestSettings,
    inputs=lambda s: [*s.sources, *s.platemap],
    run=run,
    result="",
    writes=FOLDER,
    digest=digest_of_images,
    need=lambda s, out, sizes: needs_of_images.of_ingest(s.sources, out, sizes),
    leaves=leaves,
)
