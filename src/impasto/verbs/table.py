"""`impasto table RESULTS... --out DIR`: scores of several evaluations side by side, a row a table of profiles, as papers print them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import Field

from impasto.recipe import Verb
from impasto.schema import InputError, nearest
from impasto.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


class TableSettings(Settings):
    """The folders that evaluate left, and what of them is shown. Without `columns` every metric is."""

    results: list[Path]
    columns: dict[str, str] = Field(default_factory=dict)
    """Metric -> heading, in the order of the table."""
    rows: list[str] = Field(default_factory=list)
    """The groups shown, in order; all, as they come, where empty."""
    title: str = ""
    note: str = ""
    """What the numbers rest on: data, labels, what was held out."""


def run(settings: TableSettings, out: Path) -> None:
    """Write table.csv (a row a group; value, low, high and chance of every column) and table.md at `out`."""
    import pandas as pd

    from impasto import runs

    scores = pd.concat([pd.read_csv(_results(folder)) for folder in settings.results], ignore_index=True)
    scores = scores.drop_duplicates(["group", "metric"], ignore_index=True)
    columns = settings.columns or {m: m for m in scores["metric"].unique()}
    rows = settings.rows or list(scores["group"].unique())
    for wanted, found, what in ((columns, scores["metric"], "metric"), (rows, scores["group"], "group")):
        for name in wanted:
            if name not in set(found):
                raise InputError(f"table: no {what} {name!r}{nearest(name, found.unique())}; the results hold {', '.join(found.unique())}")
    shown = scores[scores["metric"].isin(columns) & scores["group"].isin(rows)]
    wide = pd.DataFrame(index=pd.Index(rows, name="group"))
    for metric, heading in columns.items():
        mine = shown[shown["metric"] == metric].set_index("group")
        for part in ("value", "low", "high", "chance"):
            wide[heading if part == "value" else f"{heading} {part}"] = mine[part].reindex(rows)
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        wide.to_csv(temporary / "table.csv")
        protocols = sorted(shown["protocol"].unique())
        (temporary / "table.md").write_text(_markdown(wide, list(columns.values()), protocols, title=settings.title, note=settings.note))


def _results(folder: Path) -> Path:
    path = folder / "results.csv"
    if not path.exists():
        raise InputError(f"{folder} holds no results.csv; make one with: impasto evaluate TASK PROFILES --out {folder}")
    return path


def _markdown(wide: pd.DataFrame, headings: list[str], protocols: list[str], *, title: str, note: str) -> str:
    """The table for people: value with its interval under it, the largest of each column in bold, a row for chance."""
    import pandas as pd

    lines = [f"## {title}", ""] if title else []
    lines += ["| " + " | ".join(["", *headings]) + " |", "|---" * (len(headings) + 1) + "|"]
    for group, row in wide.iterrows():
        cells = []
        for heading in headings:
            value, low, high = (row[heading], row[f"{heading} low"], row[f"{heading} high"])
            text = "" if pd.isna(value) else f"{value:.2f}" + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]")
            best = not pd.isna(value) and value == wide[heading].max()
            cells.append(f"**{text}**" if best else text)
        lines.append("| " + " | ".join([str(group), *cells]) + " |")
    chance = [wide[f"{heading} chance"].mean() for heading in headings]
    lines.append("| " + " | ".join(["*chance*", *("" if pd.isna(c) else f"*{c:.2f}*" for c in chance)]) + " |")
    lines += ["", *([note, ""] if note else []), *(f"Protocol: {p}." for p in protocols)]
    return "\n".join(lines) + "\n"


def show_table(out: Path) -> None:
    """Print table.csv for people: values with intervals."""
    import pandas as pd

    from impasto.verbs.terminal import console, show

    wide = pd.read_csv(out / "table.csv", index_col="group")
    headings = [c for c in wide.columns if f"{c} low" in wide.columns]

    def cell(row: pd.Series, heading: str) -> str:
        value, low, high = row[heading], row[f"{heading} low"], row[f"{heading} high"]
        return "" if pd.isna(value) else f"{value:.2f}" + ("" if pd.isna(low) else f"\n{low:.2f}-{high:.2f}".replace("0.", "."))

    rows = [{"": str(group), **{h: cell(row, h) for h in headings}} for group, row in wide.iterrows()]
    means = {h: wide[f"{h} chance"].mean() for h in headings}
    rows.append({"": "chance", **{h: "" if pd.isna(c) else f"{c:.2f}" for h, c in means.items()}})
    title = next((line[3:] for line in (out / "table.md").read_text().splitlines() if line.startswith("## ")), "")
    show(rows, title=title, as_json=False)
    console.print(f"{out / 'table.md'}", highlight=False, soft_wrap=True)


def command(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS...", help="Folders that impasto evaluate left.")],
    out: Annotated[Path, typer.Option(help="The folder of the table: table.csv and table.md.")],
    metric: Annotated[list[str] | None, typer.Option(help="A metric to show; all by default.")] = None,
    title: Annotated[str, typer.Option(help="The title of the table.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of rows.")] = False,
) -> None:
    """Lay scores side by side: a row a table of profiles, a column a metric, intervals and chance beside them.

    Example: `impasto table runs/bench/mixing runs/bench/conservation --out runs/bench/table`
    """
    import pandas as pd

    from impasto import recipe as recipes
    from impasto.verbs.terminal import show

    given = {"results": [str(r) for r in results], "columns": {m: m for m in metric or []}, "title": title}
    recipes.execute("table", TableSettings.read(given, where="impasto table"), out=out)
    if as_json:
        wide = pd.read_csv(out / "table.csv").astype(object)
        show(wide.where(wide.notna(), None).to_dict(orient="records"), title="", as_json=True)
        return
    show_table(out)


VERB = Verb(settings=TableSettings, inputs=lambda s: [r / "results.csv" for r in s.results], run=run, result="")
