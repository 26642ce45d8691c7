"""Several evaluations side by side, laid out as a paper prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import texts
from impasto.report.table import Column
from impasto.schema import one_of
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb


class TableSettings(Settings):
    """Folders of results, and which scores stand in which column; every score, where none is named."""

    results: Annotated[list[Path], Shown("argument", metavar="RESULTS...")] = Field(
        description="Folders that impasto evaluate (or a sweep) left."
    )
    title: str = Field(default="results", description="The title of the table.")
    note: str = Field(default="", description="What the numbers rest on: data, labels, what was held out.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Metric -> heading; a metric that stands in several protocols has a column in each."
    )
    column: list[Column] = Field(default_factory=list, description="Columns with more to say: task, protocol, means of other columns.")
    rows: Annotated[list[str] | None, Shown(name="row")] = Field(
        default=None, description="A group shown, in order; all, as they come, by default. Baselines stand below them."
    )
    not_run: dict[str, str] = Field(
        default_factory=dict, description="Rows in their order -> what they need, where they could not be run; nothing where they were."
    )
    nothing: str | None = Field(
        default=None, description="The row that does nothing to the profiles: every other row is compared with it, unit by unit."
    )


def run(settings: TableSettings, out: Path) -> None:
    """Write table.csv (long form), differences.csv (paired), table.md and table.json (their text) at `out`."""
    from impasto import runs
    from impasto.report import chosen, differences, not_run, paired, table

    scores, sweeps = table.read(settings.results), not_run.read(settings.results)
    if settings.not_run:
        sweeps.append(not_run.frame([(row, [need] if need else []) for row, need in settings.not_run.items()]))
    groups = [str(group) for group in dict.fromkeys(scores["group"])]
    if settings.nothing is not None and not any(differences.is_named(group, settings.nothing) for group in groups):
        one_of(settings.nothing, groups, what="row that does nothing")
    named = [c for metric, heading in settings.columns.items() for c in table.of_metric(scores, metric, heading)]
    columns = [*named, *settings.column] or table.every_column(scores)
    without = not_run.names(sweeps) - set(groups)  # what another sweep did run is shown
    rows = None if settings.rows is None else [row for row in settings.rows if row not in without]
    laid = table.lay_out(scores, columns, rows=rows, lacking=bool(without))
    sets = differences.compared(laid, columns, paired.read(settings.results))
    marks = differences.marks(sets, columns)
    header, lines = table.text(laid, columns, marks=marks)
    lines = not_run.with_rows(lines, sweeps, columns=len(columns), among=settings.rows)
    compared = differences.frame(sets, columns, nothing=settings.nothing)
    note = "; ".join(
        [*([settings.note] if settings.note else []), *_legend(marks), f"protocols: {' | '.join(table.protocols(scores, columns))}"]
    )
    below = [
        (f"{settings.title}: {heading}", *words)
        for base, heading in differences.HEADINGS.items()
        if (words := differences.text(compared, columns, base)) is not None
    ]
    if (words := chosen.text(settings.results)) is not None:
        below.append((f"{settings.title}: {chosen.HEADING}", *words))
    whole = {"title": settings.title, "note": note, "levels": [c.level for c in columns], "header": header, "rows": lines}
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        texts.write_csv(laid, temporary / "table.csv")
        texts.write_csv(compared, temporary / differences.FILE)
        pages = [table.markdown(["", *(c.name for c in columns)], lines, title=settings.title, note=note)]
        pages += [table.markdown(names, rows, title=title, note="") for title, names, rows in below]
        texts.write(temporary / "table.md", "\n".join(pages))
        runs.write_json(temporary / "table.json", {**whole, "differences": [_as_table(*of_base) for of_base in below]})


def inputs(settings: TableSettings) -> list[Path]:
    """The files that a table rests on; the folder itself where it holds no results, so that the error names it."""
    from impasto.report import chosen, not_run, paired

    files: list[Path] = []
    for folder in settings.results:
        names = ("results.csv", paired.PER_SEED, paired.LEFT_OUT, not_run.FILE, chosen.FILE)
        files += [folder / name for name in names if (folder / name).exists()] or [folder]
    return files


def _as_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A table of words without headings above its columns, as table.json holds it."""
    return {"title": title, "note": "", "levels": [""] * (len(header) - 1), "header": header, "rows": rows}


def _legend(marks: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What the marks of a table say, where it has any."""
    used = {mark for of_column in marks.values() for mark in of_column.values()}
    said = ["bold: shown to be better than every other row"] if "**" in used else []
    said += ["·: not shown to differ from the best"] if "·" in used else []
    return said + (["columns without a mark: rows that cannot be compared pair by pair"] if not all(marks.values()) else [])


VERB = Verb(
    settings=TableSettings,
    inputs=inputs,
    run=run,
    result="",
    writes=FOLDER,
)
