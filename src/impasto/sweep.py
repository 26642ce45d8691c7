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
[[stage.row]]
label = "features of your own"
needs = ["../data/own.parquet"]                 # without that file the row stands in the table as not run
set = { "train.profiles" = "../data/own.parquet" }
[stage.search]                                  # every row draws the same trials; validation chooses, seed by seed
trials = 4
values = { "train.loop.optim.lr" = [2e-4, 5e-4, 1e-3], "train.loop.epochs" = [30, 60] }
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from impasto import lacking, progress, recipe, recipe_extras, runs, texts
from impasto.recipe import Recipe, Stage
from impasto.schema import InputError, one_of
from impasto.settings import Settings
from impasto.stages import STAGES, sweep_costs, sweep_scores, sweep_search
from impasto.stages.base import FOLDER, Verb
from impasto.stages.sweep_search import Changes, SearchSettings, Trial
from impasto.wrong_settings import WrongSetting

if TYPE_CHECKING:
    import pandas as pd

_BEING_CHECKED: ContextVar[tuple[Path, ...]] = ContextVar("being_checked", default=())
"""The recipes whose rows are being checked: a recipe in itself would never end."""
SCORED = ("evaluate", "finetune")
"""The verbs that leave scores as `results.csv`."""


class Row(Settings):
    """One row: its label, and the settings in which it differs, as `stage.key.key = value`."""

    label: str
    set: Changes = Field(default_factory=dict, description="Values of the recipe's stages, in this row.")
    needs: list[Path] = Field(
        default_factory=list, description="Files that nobody may ship: where one is missing, the row stands in the table as not run."
    )
    weights: list[str] = Field(
        default_factory=list, description="Packaged weights that this row reads: where one is not here, the row stands there as not run."
    )

    @property
    def missing(self) -> list[str]:
        """What of `needs` and `weights` is not there."""
        return [*lacking.of_files(self.needs), *lacking.of_weights(self.weights)]


class SweepSettings(Settings):
    """The recipe that makes a row, what all rows have, the rows, the seeds."""

    recipe: Path = Field(description="The recipe that makes a row.")
    row: list[Row]
    seeds: list[int] = Field(default_factory=lambda: [0])
    given: Changes = Field(default_factory=dict, description="Values of the recipe's stages, in all rows.")
    seed_draws: Literal["seed", "plate set"] = Field(
        default="seed",
        description="What a seed draws: weights and splits (seed), or all plates of the recipe (plate set), which then are the units.",
    )
    search: SearchSettings | None = Field(
        default=None, description="Values that each row draws and validation chooses among: the same number of trials for every row."
    )
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
            if (row.needs or row.weights) and row.label == self.reference:
                raise InputError(f"the reference {row.label!r} of a sweep needs a file, so that others may not have it; take another row")
        _check_rows(self)
        return self


def _check_rows(settings: SweepSettings) -> None:
    """Raise WrongSetting, with its row, on the first key or value of a row's stages that is wrong, in any trial of a search."""
    path = settings.recipe.resolve()
    if path in _BEING_CHECKED.get():
        raise InputError(f"the recipe {settings.recipe} would run itself without an end; give the recipe of one row")
    before = _BEING_CHECKED.set((*_BEING_CHECKED.get(), path))
    try:
        for row, made, folder in rows(settings, Path()):
            try:
                for changes in _draws(settings):
                    recipe.checked(made.changed(changes), out=folder)
            except InputError as error:
                raise WrongSetting(f"row {row.label!r}", str(error)) from None
    finally:
        _BEING_CHECKED.reset(before)


def rows(settings: SweepSettings, out: Path, /) -> Iterator[tuple[Row, Recipe, Path]]:
    """What a sweep runs, and what it would run if its files were there.

    Parameters
    ----------
    settings
        The sweep.
    out
        Its folder.

    Yields
    ------
    row : Row
        One of the rows.
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
            yield row, changed.seeded(seed), out / folder_name(row.label) / str(seed)


def run(settings: SweepSettings, out: Path) -> None:
    """Run every row and seed at `out/<row>/<seed>`; leave results.csv (means over seeds), per_seed.csv and rows.csv at `out`."""
    from impasto.report import chosen as choices
    from impasto.report import not_run, repeats

    frames: list[pd.DataFrame] = []
    without: list[pd.DataFrame] = []
    tried: dict[tuple[str, int], list[Trial]] = {}
    listed: dict[str, Sequence[str]] = {}
    for row, whole, folder in rows(settings, out):
        made = recipe_extras.available(whole)
        # Of a data set: its rows that lack an extra stand in their place among those that were run.
        within = {} if row.missing else recipe_extras.labels(whole)
        inner = {f"{row.label}: {name}": [need] if need else [] for name, need in within.items()}
        own: dict[str, list[str]] = {row.label: row.missing, **inner}
        if made.seed == settings.seeds[0]:
            for label, needs in own.items():
                if needs:
                    progress.say(f"{label}: {lacking.said(needs)}")
        listed |= own
        if row.missing:
            continue
        progress.say(f"{row.label}, seed {made.seed}")
        chosen, place = made, folder
        if settings.search is not None:
            tried[row.label, made.seed] = trials = _searched(made, folder, _draws(settings))
            winner = sweep_search.best(trials)
            # The training of the winner is done already: it goes on in its folder.
            chosen, place = made.changed(winner.changes), folder / f"trial_{winner.number}"
        drawn = {repeats.UNIT: settings.seed_draws} if settings.seed_draws != "seed" else {}
        frames.append(_scores(chosen, place, row.label).assign(seed=made.seed, **drawn))
        results = [recipe.result_of(place, stage) for stage in chosen.stages if stage.verb in SCORED]
        without.append(sweep_scores.left_out(results, row.label))
    sweep_scores.write(frames, without, out, labels=[row.label for row in settings.row], reference=settings.reference)
    with runs.atomic(out / not_run.FILE) as temporary:
        texts.write_csv(not_run.frame(list(listed.items())), temporary)
    if tried:
        with runs.atomic(out / choices.FILE) as temporary:
            texts.write_csv(sweep_search.table(tried), temporary)


def _draws(settings: SweepSettings) -> list[Changes]:
    return sweep_search.draws(settings.search) if settings.search is not None else [{}]


def _searched(row: Recipe, folder: Path, draws: Sequence[Changes]) -> list[Trial]:
    """The trials of one row and seed: each is run up to its last training, and nothing of it is scored but on its validation part."""
    last = max((number for number, stage in enumerate(row.stages) if stage.verb == "train"), default=None)
    if last is None:
        raise InputError(f"{row.path} trains nothing, so a search has no validation score to choose by; leave search out")
    trials = []
    for number, changes in enumerate(draws):
        progress.say(f"trial {number + 1} of {len(draws)}: {', '.join(f'{key} = {value}' for key, value in changes.items())}")
        place, made = folder / f"trial_{number}", row.changed(changes)
        recipe.run(replace(made, stages=made.stages[: last + 1]), place)
        score, chance = sweep_search.validated(recipe.result_of(place, made.stages[last]))
        trials.append(Trial(number, changes, score, chance))
    return trials


def _scores(row: Recipe, folder: Path, label: str) -> pd.DataFrame:
    """The tidy numbers of one row and seed, and what it cost."""
    import pandas as pd

    from impasto.evaluation import tidy
    from impasto.report import repeats

    whole = recipe.run(row, folder)
    records = {stage.name: STAGES[stage.verb].record(recipe.result_of(folder, stage)) for stage in row.stages}
    costs = [sweep_costs.of_stages(records, label, whole=whole)]
    facts: dict[str, Any] = {}
    for stage, settings in recipe.checked(row, out=folder):
        result = recipe.result_of(folder, stage)
        if stage.verb == "train":
            facts = facts or json.loads(texts.read(result / "model.json"))["facts"]
            costs += sweep_costs.of_training(result, label) if _is_read(row, stage) else []
        elif stage.verb == "profile":
            costs += sweep_costs.of_extraction(settings, label, record=records[stage.name])
    scored = [sweep_scores.of_results(recipe.result_of(folder, stage), label) for stage in row.stages if stage.verb in SCORED]
    return pd.concat([*scored, tidy.frame(costs)], ignore_index=True).assign(**repeats.split_columns(facts))


def _is_read(row: Recipe, stage: Stage) -> bool:
    """Whether a later stage reads this one, or none follows: a row of intensities has no net, though its recipe makes one."""
    later = row.stages[row.stages.index(stage) + 1 :]
    return not later or any(stage.name in recipe_extras.stages_in(dict(other.values)) for other in later)


def inputs(settings: SweepSettings) -> list[Path]:
    """The recipe, and every file that its stages read; of packaged weights those that are here, so that a fetch runs their rows.

    Parameters
    ----------
    settings
        A sweep.

    Returns
    -------
    list[Path]
        Files and folders.

    """
    from impasto.nets.encoders import weights

    tried = [] if settings.search is None else [value for values in settings.search.values.values() for value in values]
    values = [*tried, *(value for table in (settings.given, *(row.set for row in settings.row)) for value in table.values())]
    paths = [Path(value) for value in values if isinstance(value, str)]
    # A word such as "mean" is no path, though a folder of that name may be at hand.
    named = [path for row in settings.row for path in row.needs if path.exists()]
    fetched = [weights.record_of(name) for row in settings.row for name in row.weights if not lacking.of_weights([name])]
    return [settings.recipe, *dict.fromkeys([*(p for p in paths if p.is_file() or (p.is_absolute() and p.exists())), *named, *fetched])]


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
