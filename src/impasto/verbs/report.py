"""`impasto report DIR --out page.html`: one page that says what was done and what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.recipe import Verb, Writes
from impasto.schema import InputError
from impasto.settings import Settings


class ReportSettings(Settings):
    """The folder of a run."""

    run: Path
    title: str | None = None
    figures: Path | None = None
    """A folder for the page's figures as SVG files; `png` adds each as PNG."""
    png: bool = False
    seed: int = 0


def inputs(settings: ReportSettings) -> list[Path]:
    """The records of the run's other stages: when one changes, the report is out of date."""
    from impasto.report import collect

    return [stage.kept for stage in collect.stages(settings.run)]


def run(settings: ReportSettings, out: Path) -> None:
    """Write the page at `out`."""
    from impasto import runs
    from impasto.report import page
    from impasto.report.figures import drawing

    if settings.png and settings.figures is None:
        raise InputError("--png needs --figures DIR: the folder that the figures are written to")
    with runs.atomic(out) as temporary:
        figures = page.write(settings.run, temporary, title=settings.title, seed=settings.seed)
        if settings.figures is not None:
            with runs.atomic(settings.figures) as folder:
                drawing.write(iter(figures), folder, png=settings.png)


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run (impasto run), or of single results.")],
    out: Annotated[Path, typer.Option(help="The page to write.")],
    title: Annotated[str | None, typer.Option(help="Its title.")] = None,
    figures: Annotated[Path | None, typer.Option(help="A folder to write every figure to, as SVG.")] = None,
    png: Annotated[bool, typer.Option("--png", help="Write each figure as PNG too.")] = False,
) -> None:
    """Write one self-contained HTML page of a run.

    Example: `impasto report runs/demo --out page.html`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    settings = ReportSettings.read({"run": folder, "title": title, "figures": figures, "png": png}, where="impasto report")
    worked = recipes.execute("report", settings, out=out)
    console.print(f"{'wrote' if worked else 'already there:'} {out}", soft_wrap=True)


VERB = Verb(
    settings=ReportSettings,
    inputs=inputs,
    run=run,
    result="page.html",
    writes=Writes(folder=False, suffixes=(".html", ".htm")),
    beside=lambda s, _: [s.figures] if s.figures is not None else [],
    may_lie_in_input=True,
)
