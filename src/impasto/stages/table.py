"""Several evaluations side by side, laid out as a paper prints them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.report.table import Column
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb


class TableSettings(Settings):
    """Folders of results, and which scores stand in which column; every score, where none is named."""

    results: Annotated[list[Path], Shown("argument", metavar="RESULTS...")] = Field(
        description="Folders that impasto evaluate (or a sweep) left."
    )
    title: str = Field(default="results", description="What stands above it.")
    note: str = Field(default="", description="What the numbers rest on: data, labels, what was held out.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Metric -> heading; a metric that stands in several protocols has a column in each."
    )
    column: list[Column] = Field(default_factory=list, description="Columns with more to say: task, protocol, means of other columns.")
    rows: Annotated[list[str] | None, Shown(name="row")] = Field(
        default=None, description="A group shown, in order; all, as they come, by default. Baselines stand below them."
    )


def run(settings: TableSettings, out: Path) -> None:
    """Write table.csv (long form), table.md and table.json (its text) at `out`."""
    from impasto import runs
    from impasto.report import table

    scores = table.read(settings.results)
    named = [c for metric, heading in settings.columns.items() for c in table.of_metric(scores, metric, heading)]
    columns = [*named, *settings.column] or table.every_column(scores)
    laid = table.lay_out(scores, columns, rows=settings.rows)
    header, lines = table.text(laid, columns)
    note = "; ".join([*([settings.note] if settings.note else []), f"protocols: {' | '.join(table.protocols(scores, columns))}"])
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        laid.to_csv(temporary / "table.csv", index=False)
        (temporary / "table.md").write_text(table.markdown(laid, columns, title=settings.title, note=note))
        told = {"title": settings.title, "note": note, "levels": [c.level for c in columns], "header": header, "rows": lines}
        runs.write_json(temporary / "table.json", told)


VERB = Verb(
    settings=TableSettings,
    inputs=lambda s: [p if (p := r / "results.csv").exists() else r for r in s.results],
    run=run,
    result="",
    writes=FOLDER,
)
