"""Tables of cells, or images, into a folder of cells."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from impasto import texts
from impasto.cells.segmenters import SEGMENTERS
from impasto.devices import DeviceSettings
from impasto.families import named_in
from impasto.need import announced
from impasto.scale.settings import ShardSettings
from impasto.schema import InputError
from impasto.settings import Shown
from impasto.stages import held, needs_of_images
from impasto.stages.base import FOLDER, Verb, digest_of_images
from impasto.stages.held import Held, Sizes

if TYPE_CHECKING:
    from impasto.cells.image_run import ImageRun, Spread
    from impasto.cells.measure import More
    from impasto.object_tables.run import Run
    from impasto.scale.task import Task


class CellsSettings(DeviceSettings, ShardSettings):
    """Tables of cells and what was done to which well, or one folder of ingested images."""

    sources: Annotated[list[Path], Shown("argument", metavar="INPUT...")] = Field(
        description="SQLite files or folders of CSV of CellProfiler, Parquet of CytoTable, features of DeepProfiler, .h5sc of scPortrait; "
        "or one folder that impasto ingest wrote of images."
    )
    unit: str = Field(default="Cells", description="The kind of object that has one row a cell.")
    platemap: list[Path] = Field(default_factory=list, description="A platemap or list of compounds (CSV, Excel, a grid...); repeatable.")
    negcon: list[str] = Field(default_factory=list, description="The name of a negative control, such as DMSO; repeatable.")
    segmenter: Annotated[str, named_in(SEGMENTERS)] = Field(
        default="watershed", description=f"Of images: what finds nuclei: {', '.join(SEGMENTERS)}; plugins add others."
    )
    weights: Path | None = Field(default=None, description="Of cellpose or stardist: the file or folder of its model.")
    accept_licence: bool = Field(default=False, description="The licence of those weights is accepted.")
    labels: Path | None = Field(
        default=None,
        description="Of images: your own label images of nuclei, a folder with {plate}/{well}_{site}.tif, or such a pattern; in place of a "
        "segmenter.",
    )
    features: Annotated[list[str], Shown(separator=",")] = Field(
        default_factory=lambda: ["shape"],
        description="Of images: what is measured of each cell: shape (always), cp_measure, cp_measure_fast, or an encoder on a crop of it.",
    )
    masked: bool = Field(default=False, description="Of images: an encoder sees each cell alone, its neighbours zeroed.")
    nucleus: float | None = Field(
        default=None, gt=0, description="Of images: the diameter of a nucleus in pixels; by default estimated for each plate."
    )
    quarantine: Path | None = Field(default=None, description="Of images: quarantine.csv of impasto check; its sites are left out.")
    check: bool = Field(default=False, description="Judge the cells too, as impasto check does, into the folder quality inside.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our word -> a column of the image table (--set columns.well=Position)."
    )


def run(settings: CellsSettings, out: Path) -> None:
    """Write the folder of cells at `out`."""
    from impasto import progress, runs
    from impasto.cells import build, gather, image_run, outlines

    token = build.token_of([path for path in inputs(settings) if path not in settings.platemap], settings.result())
    cache = out / f"{gather.WORK}sites-{token[:16]}"
    opened = _opened(settings, cache, spread=functools.partial(_spread, settings, cache))
    images_from = None
    for part in opened:
        if isinstance(part, image_run.ImageRun):
            images_from = settings.sources[0]
            with runs.atomic(out / image_run.QUARANTINE) as temporary:
                texts.write_csv(part.quarantine(), temporary)
            part.keep_outlines(out)
    if images_from is None:  # of an earlier run, of images
        outlines.remove(out)
        runs.remove(out / image_run.QUARANTINE)
    images, notes = build.survey(opened, columns=settings.columns)
    for note in notes:
        progress.say(f"  {note}")
    build.build(
        opened,
        images,
        out,
        unit=settings.unit,
        platemaps=settings.platemap,
        negcon=settings.negcon,
        columns=settings.columns,
        token=token,
        images_from=images_from,
    )
    _judge(settings, out)


def understood(settings: CellsSettings, out: Path) -> list[str]:
    """What `run` would read and join, before a value is read and without a word written.

    Parameters
    ----------
    settings
        As `run` takes them.
    out
        The folder that it would write.

    Returns
    -------
    list[str]
        Sentences.

    """
    from impasto.cells import build

    opened = _opened(settings, out)
    takes = announced(needs_of_images.of_cells(settings.sources, Sizes()))
    return [*build.survey(opened, columns=settings.columns)[1], *build.joins(opened, unit=settings.unit), *takes]


def _opened(settings: CellsSettings, cache: Path, *, spread: Spread | None = None) -> list[Run]:
    """What the sources hold: one folder of ingested images, or tables of cells."""
    from impasto.cells import build, sources

    images = [source for source in settings.sources if build.is_of_images(source)]
    if images and len(settings.sources) > 1:
        raise InputError(f"{images[0]} holds images, and more is given; give one folder of ingested images, or tables of cells")
    if images:
        _refuse(settings, ("platemap", "negcon", "columns", "unit"), "images say it when they are ingested: impasto ingest")
        return [_of_images(settings, images[0], cache, spread=spread)]
    _refuse(settings, _OF_IMAGES, "it is for images, and these are tables")
    return sources.open_all(settings.sources)


def _judge(settings: CellsSettings, out: Path) -> None:
    """Check the cells where that was asked for. The result is that of `impasto check`, with its record."""
    from impasto import runs
    from impasto.stages import check

    if settings.check:
        asked, place = check.CheckSettings(images=out), check.inside(out)
        runs.run_stage(
            lambda: check.run(asked, place),
            verb="check",
            settings=asked,
            inputs=[out],
            out=place,
            folder=True,
            digest=check.digest,
            may_lie_in_input=True,
        )


_OF_IMAGES = (
    *("segmenter", "weights", "accept_licence", "labels", "nucleus", "quarantine", "features", "masked"),
    *DeviceSettings.model_fields,
    *ShardSettings.model_fields,
)


def _spread(settings: CellsSettings, cache: Path, plates: Sequence[str]) -> Mapping[str, Mapping[int, str] | str]:
    """Segment plates where the settings say, a shard each. A worker stands in a folder of its own, so paths are absolute."""
    from impasto.cells import image_shards

    paths = {"sources": [path.resolve() for path in settings.sources]}
    paths |= {word: path.resolve() for word in ("labels", "weights", "quarantine") if (path := getattr(settings, word)) is not None}
    described = settings.model_copy(update=paths).model_dump_json(exclude=set(ShardSettings.change_nothing), exclude_unset=True)
    arguments = {"settings": described, "cache": str(cache.resolve())}
    return image_shards.segmented(cache, plates, work=f"{__name__}:segment_plate", arguments=arguments, where=settings.where())


def segment_plate(arguments: Mapping[str, Any], task: Task, /) -> None:
    """The shard of one plate of images.

    Parameters
    ----------
    arguments
        The settings, the hidden folder of the run, and the plate.
    task
        Where to list the sites without cells.

    """
    from impasto.cells import image_shards

    settings = CellsSettings.model_validate_json(arguments["settings"])
    run = _of_images(settings, settings.sources[0], Path(arguments["cache"]), spread=None)
    image_shards.write(run, arguments[image_shards.PLATE], task)


def _of_images(settings: CellsSettings, folder: Path, cache: Path, *, spread: Spread | None) -> ImageRun:
    """The sites of an ingested folder, with what finds their nuclei."""
    from impasto.cells import image_run, labels, segmenters
    from impasto.plates import quarantine
    from impasto.plates.sites import Sites
    from impasto.profiling import of_cells

    beyond = settings.features != [of_cells.SHAPE]
    more = _measures(settings.model_dump_json(include=_SAID_OF_MEASURES), tuple(Sites.read(folder).channels)) if beyond else []
    if settings.masked and not any(isinstance(part, of_cells.OfEncoder) for part in more):
        raise InputError("--masked is for the crops that an encoder sees, and none is named; name one with --features, or leave it out")
    skip = quarantine.read(settings.quarantine) if settings.quarantine is not None else None
    run = functools.partial(image_run.ImageRun, folder, nucleus=settings.nucleus, more=more, skip=skip, cache=cache, spread=spread)
    if settings.labels is None:
        return run(segmenter=segmenters.opened(settings.segmenter, weights=settings.weights, accepted=settings.accept_licence))
    for field in ("segmenter", "weights", "accept_licence"):
        if field in settings.model_fields_set:
            raise InputError(f"--{field.replace('_', '-')} finds nuclei, and --labels gives them; leave one of the two out")
    return run(segmenter=None, labels=labels.LabelFiles(settings.labels))


_SAID_OF_MEASURES = {"features", "masked", *DeviceSettings.model_fields}


@functools.lru_cache(maxsize=1)
def _measures(said: str, channels: tuple[str, ...]) -> list[More]:
    """What is measured of a cell beyond its shape, opened once a process: loading an encoder may take longer than a small plate."""
    from impasto.profiling import of_cells

    settings = json.loads(said)
    place = DeviceSettings(**{word: settings[word] for word in DeviceSettings.model_fields})
    return of_cells.more(settings["features"], channels, place=place, masked=settings["masked"])


def inputs(settings: CellsSettings) -> list[Path]:
    """Tables or images, platemaps, label images, weights and the quarantine.

    Parameters
    ----------
    settings
        Which of them are read.

    Returns
    -------
    list[Path]
        Their paths.

    """
    from impasto.cells.labels import LabelFiles

    more = [LabelFiles(settings.labels).folder] if settings.labels is not None else []
    more += [path for path in (settings.weights, settings.quarantine) if path is not None]
    return [*settings.sources, *settings.platemap, *more]


def _refuse(settings: CellsSettings, fields: tuple[str, ...], why: str) -> None:
    """Refuse an option that these sources do not have: it would be passed over."""
    for field in fields:
        if field in settings.model_fields_set:
            raise InputError(f"--{field.replace('_', '-')} does not fit {settings.sources[0]}: {why}; leave it out")


def leaves(settings: CellsSettings, out: Path, sizes: Sizes) -> Mapping[Path, Held]:
    """What `run` will leave: of tables whose rows their size tells. How many cells images show, nobody knows before.

    Parameters
    ----------
    settings
        As `run` takes them.
    out
        The folder that it would write.
    sizes
        What lies there.

    Returns
    -------
    Mapping
        Path -> the cells; empty where they are not known.

    """
    from impasto.cells import build

    values = needs_of_images.values_in(settings.sources, sizes)
    if values is None:
        return {}
    opened = _opened(settings, out)
    images = build.survey(opened, columns=settings.columns)[0]
    return {out: held.of_runs(opened, images, values=values)}


VERB = Verb(
    settings=CellsSettings,
    inputs=inputs,
    run=run,
    result="",
    writes=FOLDER,
    digest=digest_of_images,
    need=lambda s, _, sizes: needs_of_images.of_cells(s.sources, sizes),
    leaves=leaves,
)
