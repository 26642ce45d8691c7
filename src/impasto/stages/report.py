"""One page that says what was done and what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated


from impasto.stages.base import Verb
from impasto.schema import InputError
from impasto.settings import Settings, Shown


class ReportSettings(Settings):
    """The folder of a run."""

    run: Path
    title: str | None = None
    figures: Path | None = None
    """A folder for the page's figures as SVG files; `png` adds each as PNG."""
    png: bool = False
    seed: int = 0


def records(settings: ReportSettings) -> list[Path]:
    """The records of the run's other stages: when one changes, the report is out of date."""
    from impasto.report import collect
    from impasto.runs import record_path

    return [record_path(stage.result) for stage in collect.stages(settings.run)]


def run(settings: ReportSettings, out: Path) -> None:
    """Write the page at `out`."""
    from impasto import runs
    from impasto.report import page
    from impasto.report.figures import export

    if settings.png and settings.figures is None:
        raise InputError("--png needs --figures DIR: the folder that the figures are written to")
    with runs.atomic(out) as temporary:
        html = page.write(settings.run, temporary, title=settings.title, seed=settings.seed)
        if settings.figures is not None:
            with runs.atomic(settings.figures) as folder:
                export.write(html, folder, png=settings.png)


VERB = Verb(settings=ReportSettings, inputs=records, run=run, result="page.html")
