"""Honest numbers, each beside chance, interval and shortcuts."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from impasto.schema import InputError, nearest
from impasto.settings import Settings, Shown, WrongSetting, of_function
from impasto.stages.base import Verb

if TYPE_CHECKING:
    import pandas as pd

    from impasto.evaluation.tidy import Score


class EvaluateSettings(Settings):
    """A task over one or several tables of profiles; with several, `labels` names each in the table of results."""

    task: Annotated[str, Shown("argument", metavar="TASK")] = Field(description="What is scored.")
    profiles: Annotated[list[Path], Shown("argument", metavar="PROFILES...")] = Field(
        description="One table, or several to compare (before, after)."
    )
    labels: Annotated[list[str], Shown(name="label")] = Field(default_factory=list, description="A name for each table, in order.")
    protocol: str | None = Field(default=None, description="How the task ranks; a wrong name lists those of the task.")
    level: str | None = Field(default=None, description="Of replicates: any, batch, source, position, or all of them.")
    part: str | None = Field(
        default=None,
        description="Only the rows of this part of the column split (train, validation, test), with negative controls.",
    )
    pairs: list[Path] = Field(default_factory=list, description="Of relations: a file or a folder of known pairs.")
    options: dict[str, Any] = Field(default_factory=dict, description="The task's own options, and `columns` as a table spells them.")
    state: str = Field(
        default="",
        description="What was done to the profiles (standardized), at the end of each protocol, so that two evaluations share a table.",
    )
    seed: int = Field(default=0, description="Of bootstrap and permutations.")

    @model_validator(mode="after")
    def _options_of_the_task(self) -> EvaluateSettings:
        columns = self.options.get("columns", {})
        if not isinstance(columns, dict) or not all(isinstance(column, str) for column in columns.values()):
            raise WrongSetting("options", f"columns is {columns!r}, but it should be a table: our word -> the name of a column")
        task_options(self)
        return self


def run(settings: EvaluateSettings, out: Path) -> None:
    """Write results.csv, and the detail a task has (per_group.parquet, per_well.parquet...), at `out`."""
    import pandas as pd

    from impasto import evaluation, runs
    from impasto import profiles as tables
    from impasto.evaluation import inputs, tidy

    evaluate = evaluation.task(settings.task)
    labels = settings.labels or ([p.stem for p in settings.profiles] if len(settings.profiles) > 1 else ["profiles"])
    if len(labels) != len(settings.profiles):
        raise InputError(f"{len(labels)} labels for {len(settings.profiles)} tables of profiles; give one label a table")
    options = task_options(settings)
    columns = settings.options.get("columns")
    scores: list[tidy.Score] = []
    details: dict[str, list[pd.DataFrame]] = {}
    for path, label in zip(settings.profiles, labels, strict=True):
        profiles = tables.read(path, columns=columns)
        profiles = profiles if settings.task == "cross-modal" else inputs.wells_of(profiles)
        profiles = profiles if settings.part is None else inputs.of_part(profiles, settings.part)
        told = {s.protocol for s in scores}
        # The baselines of an earlier table stand for all of its protocol: only one set is kept below.
        spare = bool(told) and "with_baselines" in inspect.signature(evaluate).parameters and "with_baselines" not in options
        found, tables_of_detail = _answer(evaluate(profiles, group=label, **options, **({"with_baselines": False} if spare else {})))
        if spare and not {s.protocol for s in found} <= told:
            found, tables_of_detail = _answer(evaluate(profiles, group=label, **options))
        scores += found
        for name, table in tables_of_detail.items():
            details.setdefault(name, []).append(table)
    rows = tidy.frame(scores).drop_duplicates(["protocol", "group", "metric"], ignore_index=True)
    if settings.state:
        rows["protocol"] += f", {settings.state}"
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        rows.to_csv(temporary / "results.csv", index=False)
        for name, parts in details.items():
            pd.concat(parts, ignore_index=True).to_parquet(temporary / f"{name}.parquet", index=False)


def _answer(answer: Any) -> tuple[list[Score], dict[str, pd.DataFrame]]:
    """The scores of a task and its tables of detail; some tasks have none."""
    return answer if isinstance(answer, tuple) else (answer, {})


def task_options(settings: EvaluateSettings) -> dict[str, Any]:
    """The options as the task takes them, checked against its signature. Raises InputError on any that it does not know."""
    from impasto import evaluation

    evaluate = evaluation.task(settings.task)
    kind = of_function(evaluate, without=frozenset({"group"}))
    given = {name: value for name, value in settings.options.items() if name != "columns"}
    given |= {"pairs": [str(p) for p in settings.pairs]} if settings.pairs else {}
    given |= {k: v for k, v in (("protocol", settings.protocol), ("level", settings.level), ("seed", settings.seed)) if v is not None}
    unknown = next((name for name in given if name not in kind.model_fields), None)
    if unknown is not None:
        allowed = [*kind.model_fields, "columns"]
        sentence = f"{settings.task} takes no option {unknown!r}{nearest(unknown, allowed)}; allowed: {', '.join(allowed)}"
        raise WrongSetting("options" if unknown in settings.options else "", sentence)
    missing = next((name for name, field in kind.model_fields.items() if field.is_required() and name not in given), None)
    if missing is not None:
        raise InputError(f"{settings.task} needs the option {missing!r}; give it with --set {missing}=..., in a recipe under options")
    chosen = kind.read(given, where=f"the options of {settings.task}")
    return {name: getattr(chosen, name) for name in given}


VERB = Verb(settings=EvaluateSettings, inputs=lambda s: [*s.profiles, *s.pairs], run=run, result="")
