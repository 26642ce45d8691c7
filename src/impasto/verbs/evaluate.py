"""`impasto evaluate TASK PROFILES --out DIR`: honest numbers, each beside chance, interval and shortcuts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.evaluation import TASKS
from impasto.stages.evaluate import EvaluateSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the results.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Score, and print the results."""
    changes = options.parse_set(flags.changes)
    # Which rows are scored is the stage's own word; all others of --set are options of the task.
    rows = {"only": changes.pop("only")} if "only" in changes else {}
    settings = EvaluateSettings.read({**values, **rows, **({"options": changes} if changes else {})}, where="impasto evaluate")
    recipe.execute("evaluate", settings, out=flags.out)
    terminal.show_results(flags.out, as_json=flags.as_json)
    if len(settings.profiles) > 1 and not flags.as_json:
        _say_differences(flags.out)


def _say_differences(out: Path) -> None:
    """Print how each table compares with the first, by the units that both scored."""
    import pandas as pd

    from impasto.report import differences

    made = pd.read_csv(out / differences.FILE)
    first = made[made["base"] == differences.NOTHING]
    for column, rows in first.groupby("column", sort=False):
        for sentence in rows["sentence"]:
            terminal.say(f"{column}: {sentence}")
    if first.empty:
        terminal.say("the tables are not compared pair by pair: they were not scored on the same units")


command = options.command(
    "evaluate",
    EvaluateSettings,
    Flags,
    run=run,
    about=ABOUT["evaluate"],
    example="impasto evaluate replicates raw.parquet corrected.parquet --level batch --out scores --json",
    names={"task": TASKS},
)
