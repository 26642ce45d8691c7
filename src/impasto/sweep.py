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
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue, model_validator

from impasto import progress, recipe
from impasto.recipe import Recipe
from impasto.schema import InputError, one_of
from impasto.settings import Settings
from impasto.stages import sweep_scores
from impasto.stages.base import FOLDER, Verb
from impasto.wrong_settings import WrongSetting

if TYPE_CHECKING:
    import pandas as pd

Changes = dict[str, JsonValue]
"""`STAGE.KEY` of another recipe -> a value. The stages of that recipe say which keys there are, and check the values."""
_BEING_CHECKED: ContextVar[tuple[Path, ...]] = ContextVar("being_checked", default=())
"""The recipes whose rows are being checked: a recipe in itself would never end."""


class Row(Settings):
    """One row: its label, and the settings in which it differs, as `stage.key.key = value`."""

    label: str
    set: Changes = Field(default_factory=dict, description="Values of the recipe's stages, in this row.")


class SweepSettings(Settings):
    """The recipe that makes a row, what all rows have, the rows, the seeds."""

    recipe: Path = Field(description="The recipe that makes a row.")
    row: list[Row]
    seeds: list[int] = Field(default_factory=lambda: [0])
    given: Changes = Field(default_factory=dict, description="Values of the recipe's stages, in all rows.")
    reference: str | None = Field(
        default=None,
        description="What the others are compared with, seed by seed: metrics named `... less <reference>`, with the interval of the mean. "
        "A row; or, where each row is a data set with several named profiles, one of these: the others of its row are compared with it.",
    )

    @model_validator(mode="after")
    def _every_row_can_run(self) -> SweepSettings:
        """The folders of the rows differ, and every stage of every row is checked as in a recipe of its own."""
        labels: dict[str, str] = {}
        for row in self.row:
            folder = folder_name(row.label)
            if folder in labels:
                raise InputError(
                    f"the rows {labels[folder]!r} and {row.label!r} of a sweep would share the folder {folder}; name one otherwise"
                )
            labels[folder] = row.label
        _check_rows(self)
        return self


def _check_rows(settings: SweepSettings) -> None:
    """Raise WrongSetting, with its row, on the first key or value of a row's stages that is wrong."""
    path = settings.recipe.resolve()
    if path in _BEING_CHECKED.get():
        raise InputError(f"the recipe {settings.recipe} would run itself without an end; give the recipe of one row")
    before = _BEING_CHECKED.set((*_BEING_CHECKED.get(), path))
    try:
        for label, row, folder in rows(settings, Path()):
            try:
                recipe.checked(row, out=folder)
            except InputError as error:
                raise WrongSetting(f"row {label!r}", str(error)) from None
    finally:
        _BEING_CHECKED.reset(before)


def rows(settings: SweepSettings, out: Path, /) -> Iterator[tuple[str, Recipe, Path]]:
    """What a sweep runs.

    Parameters
    ----------
    settings
        The sweep.
    out
        Its folder.

    Yields
    ------
    label : str
        Of a row.
    recipe : Recipe
        With the values of the row, and one of the seeds.
    folder : Path
        Of the run.

    """
    base = recipe.read(settings.recipe)
    refuse_unknown_reference(settings, [s.values.get("labels", []) for s in base.stages if s.verb == "evaluate"])
    for row in settings.row:
        changed = base.changed({**settings.given, **row.set})
        for seed in settings.seeds:
            yield row.label, changed.seeded(seed), out / folder_name(row.label) / str(seed)


def run(settings: SweepSettings, out: Path) -> None:
    """Run every row and seed at `out/<row>/<seed>`; leave results.csv (means over seeds) and per_seed.csv at `out`."""
    frames: list[pd.DataFrame] = []
    without: list[pd.DataFrame] = []
    for label, row, folder in rows(settings, out):
        progress.say(f"{label}, seed {row.seed}")
        seconds = recipe.run(row, folder)
        results = [recipe.result_of(folder, stage) for stage in row.stages if stage.verb == "evaluate"]
        trained = [recipe.result_of(folder, stage) for stage in row.stages if stage.verb == "train"]
        names = [stage.name for stage in row.stages]
        scored = sweep_scores.scores(results, label, stages=names, seconds=seconds, trained=trained[0] if trained else None)
        frames.append(scored.assign(seed=row.seed))
        without.append(sweep_scores.left_out(results, label))
    sweep_scores.write(frames, without, out, labels=[row.label for row in settings.row], reference=settings.reference)


def inputs(settings: SweepSettings) -> list[Path]:
    """The recipe, and every file that its stages read.

    Parameters
    ----------
    settings
        A sweep.

    Returns
    -------
    list[Path]
        Files and folders.

    """
    values = [value for table in (settings.given, *(row.set for row in settings.row)) for value in table.values()]
    paths = [Path(value) for value in values if isinstance(value, str)]
    # A word such as "mean" is no path, though a folder of that name may be at hand.
    return [settings.recipe, *(p for p in paths if p.is_file() or (p.is_absolute() and p.exists()))]


def refuse_unknown_reference(settings: SweepSettings, labels: Sequence[Sequence[str]]) -> None:
    """Refuse a reference that is neither a row nor one of the named profiles (`labels` of each evaluation) of a row.

    Parameters
    ----------
    settings
        A sweep.
    labels
        Of each evaluation of a row, the names of its profiles.

    Raises
    ------
    InputError
        Where the reference is none of these.

    """
    if settings.reference is not None:
        named = [name for names in labels for name in names]
        one_of(settings.reference, dict.fromkeys([*(row.label for row in settings.row), *named]), what="reference of a sweep")


def folder_name(label: str) -> str:
    """A label as the name of a folder, as a stage may be named (`recipe.STAGE_NAME`): never a way out of the sweep's own folder.

    Parameters
    ----------
    label
        Any text.

    Returns
    -------
    str
        64 letters, digits, `_`, `.` and `-` at most.

    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", label).strip("_.-").lower()[:64] or "row"


VERB = Verb(settings=SweepSettings, inputs=inputs, run=run, result="", writes=FOLDER)
