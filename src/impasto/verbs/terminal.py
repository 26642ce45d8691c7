"""What verbs print: a table for people, or the same rows as JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from rich.table import Table

from impasto import recipe
from impasto.options import Printing, parse_set
from impasto.progress import say
from impasto.progress import spoken as console
from impasto.runs import record_path
from impasto.settings import Settings, Shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FromRecipe",
    "Printing",
    "Setting",
    "Writing",
    "console",
    "say",
    "settings_from_recipe",
    "show",
    "show_frame",
    "show_results",
    "table",
    "write_json",
    "wrote",
]


class Writing(Printing):
    """The options of every verb that writes a result."""

    out: Path = Field(description="Where to write.")


class Setting(Settings):
    """The option of a verb some of whose settings are tables, which only `--set` can write."""

    changes: Annotated[list[str], Shown(name="set", metavar="KEY=VALUE")] = Field(
        default_factory=list, description="Another setting, as k=25 or columns.well=Position."
    )


class FromRecipe(Writing, Setting):
    """The options of a verb that is told most of its settings by a stage of a recipe."""

    path: Annotated[Path, Shown("argument", metavar="RECIPE")] = Field(description="A recipe with one stage of this verb; see recipes/.")


def settings_from_recipe(verb: str, values: Mapping[str, Any], flags: FromRecipe, /) -> Settings:
    """The settings of the one stage of this verb in a recipe, with what is given on the command line on top, key by key."""
    whole = recipe.read(flags.path)
    stage = whole.only(verb)
    given = {key: str(value.resolve()) if isinstance(value, Path) else value for key, value in values.items()}
    for key, value in parse_set(flags.changes).items():
        given[key] = {**stage.values.get(key, {}), **value} if isinstance(value, dict) else value
    return recipe.settings_of(whole, stage, out=flags.out, given=given)


def write_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def wrote(out: Path, worked: bool, /, *, as_json: bool, beside: str = "") -> None:
    """Print where the result of a verb lies; as JSON, the record of its run."""
    if as_json:
        write_json(json.loads(record_path(out).read_text()))
    else:
        console.print(f"{'wrote' if worked else 'already there:'} {out}{beside}", highlight=False, markup=False, soft_wrap=True)


def show(rows: Sequence[Mapping[str, Any]], *, title: str, as_json: bool) -> None:
    """Print rows that share their keys, as a table or (`--json`) as a list of objects on standard output."""
    if as_json:
        write_json(list(rows))
        return
    table = Table(title=title, title_justify="left", show_edge=False)
    for key in rows[0] if rows else ():
        number = all(isinstance(row[key], int | float) or row[key] is None for row in rows)
        table.add_column(str(key), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def show_frame(frame: pd.DataFrame, /, *, title: str, as_json: bool) -> None:
    """Print a DataFrame; what is missing in it is null."""
    show(frame.astype(object).where(frame.notna(), None).to_dict(orient="records"), title=title, as_json=as_json)


def show_results(out: Path, *, as_json: bool) -> None:
    """Print results.csv: whole as JSON, or a table a protocol for people."""
    import pandas as pd

    results = pd.read_csv(out / "results.csv")
    if as_json:
        show_frame(results, title="", as_json=True)
        return
    plain = results.astype(object).where(results.notna(), None)
    for (task, protocol), rows in plain.groupby(["task", "protocol"], sort=False):
        short = [
            {"group": r.group, "metric": r.metric, "value": r.value, "95 % from": r.low, "to": r.high, "chance": r.chance, "n": r.n}
            for r in rows.itertuples()
        ]
        show(short, title=f"{task}: {protocol}", as_json=False)
    if (out / "left_out.parquet").exists():
        for row in pd.read_parquet(out / "left_out.parquet").itertuples():
            say(f"left out, {row.profiles}: {row.reason}")


MOST_COLUMNS = 6
"""A terminal shows no more side by side without breaking words."""


def table(*, title: str, note: str, levels: Sequence[str], header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of words (`report.table.text`), `**best**` in bold; a wide one in parts, each with the columns of some headings."""
    console.print(f"[bold]{title}[/bold]", highlight=False)
    for columns in _parts(levels):
        drawn = Table(show_edge=False)
        drawn.add_column(header[0], overflow="fold")
        for place in columns:
            level, name = levels[place], header[1 + place]
            drawn.add_column(f"[dim]{level}[/dim]\n{name}" if level else name, justify="right", overflow="fold")
        for row in rows:
            drawn.add_row(_words(row[0]), *(_words(row[1 + place]) for place in columns))
        console.print(drawn)
        console.print()
    if note:
        console.print(f"[dim]{note}[/dim]", highlight=False)


def _parts(levels: Sequence[str]) -> list[list[int]]:
    """The places of the columns, in parts of at most six; columns of one heading stay together where they fit."""
    runs: list[list[int]] = []
    for place, level in enumerate(levels):
        if runs and levels[runs[-1][-1]] == level and len(runs[-1]) < MOST_COLUMNS:
            runs[-1].append(place)
        else:
            runs.append([place])
    parts: list[list[int]] = []
    for run in runs:
        if parts and len(parts[-1]) + len(run) <= MOST_COLUMNS:
            parts[-1] += run
        else:
            parts.append(list(run))
    return parts


def _words(cell: str) -> str:
    """A cell of words as rich prints it: the interval below the value, the best in bold."""
    below = re.sub(r" (?=± )", "\n", re.sub(r" \[(?=[-\d])", r"\n\\[", cell))
    return re.sub(r"\*\*(.+?)\*\*", r"[bold]\1[/bold]", below)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"
    return str(value)
