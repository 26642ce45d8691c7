"""`impasto table RESULTS... --out DIR`: several evaluations side by side, laid out as a paper prints them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from impasto.recipe import FOLDER, Verb
from impasto.settings import Settings


class TableSettings(Settings):
    """Folders of results, and which scores stand in which column; every score, where none is named."""

    results: list[Path]
    title: str = "results"
    note: str = ""
    """What the numbers rest on: data, labels, what was held out."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Metric -> heading; a metric that stands in several protocols has a column in each."""
    column: list[dict[str, Any]] = Field(default_factory=list)
    """Columns with more to say (`report.table.Column`): task, protocol, means of other columns."""
    rows: list[str] | None = None
    """The groups shown, in order; all, as they come, where not given. Baselines stand below them."""


def run(settings: TableSettings, out: Path) -> None:
    """Write table.csv (long form), table.md and table.json (its text) at `out`."""
    from impasto import runs
    from impasto.report import table

    scores = table.read(settings.results)
    named = [c for metric, heading in settings.columns.items() for c in table.of_metric(scores, metric, heading)]
    named += [table.Column.read(c, where=f"column {number}") for number, c in enumerate(settings.column, start=1)]
    columns = named or table.every_column(scores)
    laid = table.lay_out(scores, columns, rows=settings.rows)
    header, lines = table.text(laid, columns)
    note = "; ".join([*([settings.note] if settings.note else []), f"protocols: {' | '.join(table.protocols(scores, columns))}"])
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        laid.to_csv(temporary / "table.csv", index=False)
        (temporary / "table.md").write_text(table.markdown(laid, columns, title=settings.title, note=note))
        told = {"title": settings.title, "note": note, "levels": [c.level for c in columns], "header": header, "rows": lines}
        runs.write_json(temporary / "table.json", told)


def show(out: Path) -> None:
    """Print the table of a folder."""
    import json

    from impasto.verbs.terminal import table

    table(**json.loads((out / "table.json").read_text()))


def command(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS...", help="Folders that impasto evaluate (or a sweep) left.")],
    out: Annotated[Path, typer.Option(help="The folder to write: table.csv, table.md.")],
    metric: Annotated[list[str] | None, typer.Option(help="A metric to show; all by default.")] = None,
    title: Annotated[str, typer.Option(help="What stands above it.")] = "results",
    as_json: Annotated[bool, typer.Option("--json", help="Print the cells as a list of objects.")] = False,
) -> None:
    """Lay the scores of several evaluations out side by side, one row a table of profiles, one column a score.

    Example: `impasto table scores/replicates scores/mixing --out tables/correction`
    """
    import pandas as pd

    from impasto import recipe as recipes
    from impasto.verbs.terminal import show as show_rows

    given = {"results": [str(p) for p in results], "columns": {m: m for m in metric or []}}
    settings = TableSettings.read({**given, "title": title}, where="impasto table")
    recipes.execute("table", settings, out=out)
    if as_json:
        cells = pd.read_csv(out / "table.csv")
        show_rows(cells.astype(object).where(cells.notna(), None).to_dict(orient="records"), title="", as_json=True)
        return
    show(out)


VERB = Verb(
    settings=TableSettings,
    inputs=lambda s: [p if (p := r / "results.csv").exists() else r for r in s.results],
    run=run,
    result="",
    writes=FOLDER,
    show=show,
)
