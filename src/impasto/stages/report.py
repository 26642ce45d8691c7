"""One page that says what was done and what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import Verb, Writes


class ReportSettings(Settings):
    """The folder of a run."""

    run: Annotated[Path, Shown("argument", metavar="DIR")] = Field(description="The folder of a run (impasto run), or of single results.")
    title: str | None = Field(default=None, description="The title of the page.")
    figures: Path | None = Field(default=None, description="A folder to write every figure to, as SVG.")
    downloads: bool = Field(default=False, description="Write hits.csv and hits.xlsx beside the page, where hits were called.")
    png: bool = Field(default=False, description="Write each figure as PNG too.")
    seed: int = Field(default=0, description="Of the maps that are drawn.")


def inputs(settings: ReportSettings) -> list[Path]:
    """The records of the run's other stages: when one changes, the report is out of date.

    Parameters
    ----------
    settings
        A report.

    Returns
    -------
    list[Path]
        The files of the records.

    """
    from impasto.report import collect

    return [stage.record_path for stage in collect.stages(settings.run)]


def run(settings: ReportSettings, out: Path) -> None:
    """Write the page at `out`."""
    from impasto import runs
    from impasto.report import page
    from impasto.report.figures import drawing

    if settings.png and settings.figures is None:
        raise InputError("--png needs --figures DIR: the folder that the figures are written to")
    with runs.atomic(out) as temporary:
        written = page.write(settings.run, temporary, title=settings.title, seed=settings.seed)
        if settings.figures is not None:
            with runs.atomic(settings.figures) as folder:
                drawing.write(iter(written.figures), folder, png=settings.png)
        for path in _downloads(settings, out):
            if path.name in written.files:
                with runs.atomic(path) as file:
                    file.write_bytes(written.files[path.name])


def _downloads(settings: ReportSettings, out: Path) -> list[Path]:
    return [out.with_name(name) for name in ("hits.csv", "hits.xlsx")] if settings.downloads else []


VERB = Verb(
    settings=ReportSettings,
    inputs=inputs,
    run=run,
    result="page.html",
    writes=Writes(folder=False, suffixes=(".html", ".htm")),
    beside=lambda s, out: [*([s.figures] if s.figures is not None else []), *_downloads(s, out)],
    may_lie_in_input=True,
)
