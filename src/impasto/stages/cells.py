"""Tables of cells, or images, into a folder of cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto import texts
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb, digest_of_images


class CellsSettings(Settings):
    """Tables of cells and what was done to which well, or one folder of ingested images."""

    sources: Annotated[list[Path], Shown("argument", metavar="INPUT...")] = Field(
        description="SQLite files or folders of CSV of CellProfiler, Parquet of CytoTable, features of DeepProfiler; or one folder that "
        "impasto ingest wrote of images."
    )
    unit: str = Field(default="Cells", description="The kind of object that has one row a cell.")
    platemap: list[Path] = Field(default_factory=list, description="A platemap or list of compounds (CSV, Excel, a grid...); repeatable.")
    negcon: list[str] = Field(default_factory=list, description="The name of a negative control, such as DMSO; repeatable.")
    segmenter: str = Field(default="watershed", description="Of images: what finds nuclei; plugins add others.")
    nucleus: float | None = Field(
        default=None, gt=0, description="Of images: the diameter of a nucleus in pixels; by default estimated for each plate."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our word -> a column of the image table (--set columns.well=Position)."
    )


def run(settings: CellsSettings, out: Path) -> None:
    """Write the folder of cells at `out`."""
    from impasto import progress, runs
    from impasto.cells import build, gather, image_run, sources

    token = build.token_of(settings.sources, settings.model_dump(mode="json"))
    images = [source for source in settings.sources if build.is_of_images(source)]
    if images and len(settings.sources) > 1:
        raise InputError(f"{images[0]} holds images, and more is given; give one folder of ingested images, or tables of cells")
    if images:
        _refuse(settings, ("platemap", "negcon", "columns", "unit"), "images say it when they are ingested: impasto ingest")
        cache = out / f"{gather.WORK}sites-{token[:16]}"
        opened = image_run.ImageRun(images[0], nucleus=settings.nucleus, segmenter=settings.segmenter, cache=cache)
        build.build(
            [opened], build.survey([opened], columns={})[0], out, unit=image_run.UNIT, columns={}, token=token, images_from=images[0]
        )
        with runs.atomic(out / image_run.QUARANTINE) as temporary:
            texts.write_csv(opened.quarantine(), temporary)
        return
    _refuse(settings, ("segmenter", "nucleus"), "it is for images, and these are tables")
    runs_of_tables = sources.open_all(settings.sources)
    images_of_runs, notes = build.survey(runs_of_tables, columns=settings.columns)
    for note in notes:
        progress.say(f"  {note}")
    build.build(
        runs_of_tables,
        images_of_runs,
        out,
        unit=settings.unit,
        platemaps=settings.platemap,
        negcon=settings.negcon,
        columns=settings.columns,
        token=token,
    )


def _refuse(settings: CellsSettings, fields: tuple[str, ...], why: str) -> None:
    """Refuse an option that these sources do not have: it would be passed over."""
    for field in fields:
        if field in settings.model_fields_set:
            raise InputError(f"--{field} does not fit {settings.sources[0]}: {why}; leave it out")


VERB = Verb(settings=CellsSettings, inputs=lambda s: [*s.sources, *s.platemap], run=run, result="", writes=FOLDER, digest=digest_of_images)
