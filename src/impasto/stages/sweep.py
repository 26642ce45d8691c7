"""A stage that runs another recipe for every row of a table and every seed: the rows of a paper's table are settings.

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from impasto.schema import InputError, one_of
from impasto.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

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
    reference: str | None = Field(
        default=None,
        description="What the others are compared with, seed by seed: metrics named `... less <reference>`, with the interval of the mean. "
        "A row; or, where each row is a data set with several named profiles, one of these: the others of its row are compared with it.",
    )

    @model_validator(mode="after")
    def _folders_differ(self) -> SweepSettings:
        known: dict[str, str] = {}
        for row in self.row:
            folder = folder_name(row.label)
            if folder in known:
                raise InputError(
                    f"the rows {known[folder]!r} and {row.label!r} of a sweep would share the folder {folder}; name one otherwise"
                )
            known[folder] = row.label
        return self


def inputs(settings: SweepSettings) -> list[Path]:
    """The recipe, and every file that is given to its stages."""
    values = [value for table in (settings.given, *(row.set for row in settings.row)) for value in table.values()]
    paths = [Path(value) for value in values if isinstance(value, str)]
    # A word such as "mean" is no path, though a folder of that name may be at hand.
    return [settings.recipe, *(p for p in paths if p.is_file() or (p.is_absolute() and p.exists()))]


def refuse_unknown_reference(settings: SweepSettings, labels: Sequence[Sequence[str]]) -> None:
    """Raise InputError where the reference is neither a row nor one of the named profiles (`labels` of each evaluation) of a row."""
    if settings.reference is not None:
        named = [name for names in labels for name in names]
        one_of(settings.reference, dict.fromkeys([*(row.label for row in settings.row), *named]), what="reference of a sweep")


def scores(results: Sequence[Path], label: str, *, stages: Sequence[str], seconds: float, facts: Mapping[str, Any]) -> pd.DataFrame:
    """The tidy numbers of one row and seed: of all its evaluations, and the minutes that its stages took.

    Parameters
    ----------
    results
        Folders of its evaluations.
    label
        Of the row.
    stages
        Names of the stages that were timed.
    seconds
        What they took together.
    facts
        Of its trained run; empty where nothing was trained.

    """
    import pandas as pd

    from impasto.evaluation import tidy
    from impasto.report import repeats

    minutes = tidy.frame([tidy.Score("sweep", f"stages: {', '.join(stages)}", label, "minutes", seconds / 60, None, None, None, 1)])
    frames = [*(_scores(folder, label) for folder in results), minutes]
    whole = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
    return whole.assign(**repeats.split_columns(facts))


def write(frames: Sequence[pd.DataFrame], without: Sequence[pd.DataFrame], settings: SweepSettings, out: Path) -> None:
    """Write per_seed.csv and, joined over seeds, results.csv at `out`; left_out.parquet, where there is one seed.

    Parameters
    ----------
    frames
        What `scores` gave, with `seed`, for every row and seed.
    without
        What `left_out` gave, for every row and seed.
    settings
        Of the sweep.
    out
        Its folder.

    """
    import pandas as pd

    from impasto import runs
    from impasto.report import repeats
    from impasto.report.paired import LEFT_OUT

    per_seed = pd.concat(frames, ignore_index=True)
    # The baselines of one seed are the same for all rows: kept once.
    per_seed = per_seed.drop_duplicates(["task", "protocol", "group", "metric", "seed"], ignore_index=True)
    if settings.reference is not None:
        labels = [row.label for row in settings.row]
        per_seed = pd.concat([per_seed, differences(per_seed, labels, settings.reference)], ignore_index=True)
    with runs.atomic(out / "per_seed.csv") as temporary:
        per_seed.to_csv(temporary, index=False)
    with runs.atomic(out / "results.csv") as temporary:
        repeats.joined(per_seed).to_csv(temporary, index=False)
    filled = [table for table in without if len(table)]
    # Rows of several seeds are compared seed by seed.
    if len(settings.seeds) == 1 and filled:
        with runs.atomic(out / LEFT_OUT) as temporary:
            pd.concat(filled, ignore_index=True).drop_duplicates([*repeats.KEYS, "part", "without"]).to_parquet(temporary, index=False)


def differences(per_seed: pd.DataFrame, labels: list[str], reference: str, /) -> pd.DataFrame:
    """Every row's scores less the reference's of the same seed: what the choice of held-out rows does to both falls away."""
    import pandas as pd

    if reference in labels:
        return _less(per_seed[per_seed["group"].isin(labels)], reference, called=reference)
    within = [per_seed[per_seed["group"].str.startswith(f"{label}: ")] for label in labels]
    return pd.concat(
        [_less(rows, f"{label}: {reference}", called=reference) for label, rows in zip(labels, within, strict=True)], ignore_index=True
    )


def _less(scores: pd.DataFrame, reference: str, *, called: str) -> pd.DataFrame:
    from impasto.evaluation.baselines import is_baseline

    keys = ["task", "protocol", "metric", "seed"]
    theirs = scores.loc[scores["group"] == reference, [*keys, "value"]]
    others = scores[[g != reference and not is_baseline(g) for g in scores["group"]]]
    both = others.merge(theirs, on=keys, suffixes=("", "_reference"))
    less = both.assign(value=both["value"] - both["value_reference"], metric=both["metric"] + f" less {called}")
    less[["low", "high", "chance", "p_chance"]] = float("nan")
    return less.drop(columns="value_reference")


def folder_name(label: str) -> str:
    """A label as the name of a folder, as a stage may be named (`recipe.STAGE_NAME`): never a way out of the sweep's own folder."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", label).strip("_.-").lower()[:64] or "row"


def left_out(results: Sequence[Path], label: str, /) -> pd.DataFrame:
    """The scores of one row without groups of units, of all its evaluations: by them rows are compared pair by pair.

    Parameters
    ----------
    results
        Folders of its evaluations.
    label
        Of the row.

    """
    import pandas as pd

    from impasto.report.paired import LEFT_OUT

    tables = [pd.read_parquet(folder / LEFT_OUT) for folder in results if (folder / LEFT_OUT).exists()]
    named = [table.assign(group=_named(table["group"], label)) for table in tables]
    return pd.concat(named, ignore_index=True) if named else pd.DataFrame()


def _scores(folder: Path, label: str) -> pd.DataFrame:
    import pandas as pd

    read = pd.read_csv(folder / "results.csv")
    return read.assign(group=_named(read["group"], label))


def _named(groups: pd.Series, label: str) -> pd.Series:
    """The column `group` of one evaluation: the group `profiles` is named after the row; others are what all rows are read beside.

    An evaluation of several named profiles makes the row a data set: all its groups, baselines too, are `row: group`.
    """
    from impasto.evaluation.baselines import is_baseline

    groups = groups.astype(str)
    own = {g for g in groups if not is_baseline(g)}
    if len(own) > 1 and DEFAULT_GROUP not in own:
        return label + ": " + groups
    return groups.replace(DEFAULT_GROUP, label)
