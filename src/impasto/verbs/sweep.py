"""A stage of a recipe that runs another recipe for every row of a table and every seed: the rows of a paper's table are settings.

```toml
[[stage]]
name = "rows"
verb = "sweep"
recipe = "cellclip_row.toml"
seeds = [0, 1, 2]
given = { "train.profiles" = "@corrected" }     # for all rows: STAGE.KEY = value
[[stage.row]]
label = "mean pooling"
set = { "train.method.pooling" = "mean" }
```
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import Field

from impasto.recipe import Verb
from impasto.settings import Settings

DEFAULT_GROUP = "profiles"
"""What an evaluation of one table calls it, where it is given no label."""


class Row(Settings):
    """One row: its label, and the settings in which it differs, as `stage.key.key = value`."""

    label: str
    set: dict[str, Any] = Field(default_factory=dict)


class SweepSettings(Settings):
    """The recipe that makes a row, what all rows are given, the rows, the seeds."""

    recipe: Path
    row: list[Row]
    seeds: list[int] = Field(default_factory=lambda: [0])
    given: dict[str, Any] = Field(default_factory=dict)


def inputs(settings: SweepSettings) -> list[Path]:
    """The recipe, and every file that is given to its stages."""
    paths = [Path(value) for value in settings.given.values() if isinstance(value, str)]
    return [settings.recipe, *(p for p in paths if p.exists())]


def run(settings: SweepSettings, out: Path) -> None:
    """Run every row and seed at `out/<row>/<seed>`; leave results.csv (means over seeds) and per_seed.csv at `out`."""
    import pandas as pd

    from impasto import recipe as recipes
    from impasto import runs
    from impasto.evaluation import tidy
    from impasto.report import table
    from impasto.verbs.run import run_stages
    from impasto.verbs.terminal import console

    base = recipes.read(settings.recipe)
    frames = []
    for row in settings.row:
        changed = base.changed({**settings.given, **row.set})
        for seed in settings.seeds:
            console.print(f"[bold]{row.label}[/bold], seed {seed}", highlight=False)
            folder = out / folder_name(row.label) / str(seed)
            seconds = run_stages(changed.seeded(seed), folder)
            scores = [_scores(recipes.result_of(folder, s), row.label) for s in changed.stages if s.verb == "evaluate"]
            scores.append(tidy.frame([tidy.Score("sweep", "all stages", row.label, "minutes", seconds / 60, None, None, None, 1)]))
            frames.append(pd.concat([s for s in scores if len(s)], ignore_index=True).assign(seed=seed))
    per_seed = pd.concat(frames, ignore_index=True)
    # The baselines of one seed are the same for all rows: kept once.
    per_seed = per_seed.drop_duplicates(["task", "protocol", "group", "metric", "seed"], ignore_index=True)
    with runs.atomic(out / "per_seed.csv") as temporary:
        per_seed.to_csv(temporary, index=False)
    with runs.atomic(out / "results.csv") as temporary:
        table.seeds_joined(per_seed).to_csv(temporary, index=False)


def folder_name(label: str) -> str:
    """A label as the name of a folder."""
    return re.sub(r"[^\w.+-]+", "_", label).strip("_").lower() or "row"


def _scores(folder: Path, label: str) -> Any:
    """The tidy numbers of one evaluation: the group `profiles` is named after the row; others are what all rows are read beside."""
    import pandas as pd

    scores = pd.read_csv(folder / "results.csv")
    return scores.assign(group=scores["group"].replace(DEFAULT_GROUP, label))


VERB = Verb(settings=SweepSettings, inputs=inputs, run=run, result="")
