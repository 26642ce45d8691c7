"""`impasto table RESULTS... --out DIR`: several evaluations side by side, laid out as a paper prints them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe, texts
from impasto.stages.table import TableSettings
from impasto.verbs import ABOUT, shared, terminal, wide_table


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write: table.csv, table.md.")
    metric: list[str] = Field(default_factory=list, description="A metric to show; all by default.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Lay the table out, and print it."""
    import pandas as pd

    values |= {"columns": {metric: metric for metric in flags.metric}} if flags.metric else {}
    recipe.execute("table", TableSettings.read(values, where="impasto table"), out=flags.out)
    if flags.as_json:
        terminal.show_frame(pd.read_csv(flags.out / "table.csv"), title="", as_json=True)
    else:
        show(flags.out)


def show(out: Path) -> None:
    """Print the table of a folder.

    Parameters
    ----------
    out
        The folder of a table.

    """
    wide_table.draw(**json.loads(texts.read(out / "table.json")))


command = options.command(
    "table",
    TableSettings,
    Flags,
    run=run,
    about=f"{ABOUT['table']} One row a table of profiles, one column a score.",
    example="impasto table scores/replicates scores/mixing --out tables/correction",
)
