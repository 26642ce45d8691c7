"""Honest numbers, each beside chance, interval and shortcuts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from impasto.settings import Settings, Shown, WrongSetting
from impasto.stages.base import FOLDER, Verb


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
    pool_doses: bool = Field(default=False, description="All doses of a perturbation are one; apart by default.")
    same_as: Literal["inchikey"] | None = Field(
        default=None, description="inchikey: perturbations that share an InChIKey are one, and are named; by name otherwise."
    )
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
    from impasto import profiles as tables
    from impasto import runs
    from impasto.evaluation import several

    labels = several.labels_of(settings.profiles, labels=settings.labels)
    columns = settings.options.get("columns")
    read = ((label, tables.read(path, columns=columns)) for path, label in zip(settings.profiles, labels, strict=True))
    result = several.evaluate(settings.task, read, settings=task_options(settings), part=settings.part, state=settings.state)
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        result.scores.to_csv(temporary / "results.csv", index=False)
        for name, table in result.details().items():
            table.to_parquet(temporary / f"{name}.parquet", index=False)


def task_options(settings: EvaluateSettings) -> dict[str, Any]:
    """The options as the task takes them, checked against its signature. Raises InputError on any that it does not know."""
    from impasto.evaluation import several

    given = {name: value for name, value in settings.options.items() if name != "columns"}
    given |= {"pairs": [str(p) for p in settings.pairs]} if settings.pairs else {}
    given |= {"pool_doses": True} if settings.pool_doses else {}
    given |= {word: value for word in ("protocol", "level", "same_as", "seed") if (value := getattr(settings, word)) is not None}
    return several.checked(settings.task, given)


VERB = Verb(settings=EvaluateSettings, inputs=lambda s: [*s.profiles, *s.pairs], run=run, result="", writes=FOLDER)
