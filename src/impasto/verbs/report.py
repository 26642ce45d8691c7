"""`impasto report DIR --out page.html`: one page that says what was done and what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.recipe import Verb
from impasto.settings import Settings


class ReportSettings(Settings):
    """The folder of a run."""

    run: Path
    title: str | None = None
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

    with runs.atomic(out) as temporary:
        page.write(settings.run, temporary, title=settings.title, seed=settings.seed)


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run (impasto run), or of single results.")],
    out: Annotated[Path, typer.Option(help="The page to write.")],
    title: Annotated[str | None, typer.Option(help="Its title.")] = None,
) -> None:
    """Write one self-contained HTML page of a run.

    Example: `impasto report runs/demo --out page.html`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    worked = recipes.execute("report", ReportSettings.read({"run": folder, "title": title}, where="impasto report"), out=out)
    console.print(f"{'wrote' if worked else 'already there:'} {out}", soft_wrap=True)


VERB = Verb(settings=ReportSettings, inputs=records, run=run, result="page.html")
