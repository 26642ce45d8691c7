"""Honest numbers, each beside chance, interval and shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import Field, create_model, model_validator

from impasto import devices, texts
from impasto.devices import DeviceSettings, Precision
from impasto.evaluation import OF_CELLS, TASKS, protocols
from impasto.families import named_in
from impasto.parts import SettingsOf
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.signatures import of_function
from impasto.stages import needs
from impasto.stages.base import FOLDER, Verb

if TYPE_CHECKING:
    from impasto.evaluation.result import Result
    from impasto.evaluation.several import Scorable


def options_of(task: str, /) -> type[Settings]:
    """What `options` may say of a task.

    Parameters
    ----------
    task
        A task of `TASKS`.

    Returns
    -------
    type
        The settings of the task's signature, and `columns`. None is required: another key of the stage may say it (`pairs`).

    Raises
    ------
    InputError
        Where there is no such task.

    """
    return _options_of(TASKS[task])


@cache
def _options_of(function: Callable[..., Result]) -> type[Settings]:
    own = of_function(function)
    columns: Any = (dict[str, str], Field(default_factory=dict, description="Our word -> the name of a column of the tables."))
    sayable = {name: (field.annotation, None) for name, field in own.model_fields.items() if field.is_required()}
    made: Any = create_model(own.__name__, __base__=own, **{"columns": columns, **sayable})
    return cast("type[Settings]", made)


class EvaluateSettings(DeviceSettings):
    """A task over one or several tables of profiles; with several, `labels` names each in the table of results."""

    task: Annotated[str, Shown("argument", metavar="TASK"), named_in(TASKS)] = Field(description="What is scored.")
    profiles: Annotated[list[Path], Shown("argument", metavar="PROFILES...")] = Field(
        description="One table, or several to compare (before, after)."
    )
    labels: Annotated[list[str], Shown(name="label")] = Field(default_factory=list, description="A name for each table, in order.")
    protocol: str | None = Field(default=None, description=f"How the task ranks (docs/protocols.md). {protocols.listed()}.")
    level: str | None = Field(default=None, description="Of replicates: any, batch, source, position, or all of them.")
    part: str | None = Field(
        default=None,
        description="Only the rows of this part of the column split (train, validation, test), with negative controls.",
    )
    only: dict[str, list[str]] = Field(
        default_factory=dict, description="Only the rows whose columns hold these values (--set 'only.batch=[\"B1\"]')."
    )
    pairs: list[Path] = Field(default_factory=list, description="Of relations: a file or a folder of known pairs.")
    options: Annotated[Settings, SettingsOf("task", TASKS, options_of)] = Field(
        default_factory=dict, validate_default=True, description="The task's own options, and `columns` as a table spells them."
    )
    pool_doses: bool = Field(default=False, description="All doses of a perturbation are one; apart by default.")
    same_as: Literal["inchikey"] | None = Field(
        default=None, description="inchikey: perturbations that share an InChIKey are merged, and their names printed; by name otherwise."
    )
    exact: bool = Field(
        default=False, description="Score all of a large table where a task draws from it (docs/scale.md); it says first what that costs."
    )
    state: str = Field(
        default="",
        description="What was done to the profiles, as standardized: it ends each protocol, so that two evaluations can share a table.",
    )
    seed: int = Field(default=0, description="Of permutations, shuffles and groups of units.")

    device: str = Field(default="auto", description="Of tasks that rank: cpu, cuda or cuda:N; auto: the processor, without torch.")
    precision: Precision = Field(default="auto", description="Scores are of float32 products; bf16 is for nets (impasto embed).")

    @model_validator(mode="after")
    def _the_task_takes_them(self) -> EvaluateSettings:
        """The task takes what the stage and its options say together, and has all that it needs."""
        task_options(self)
        return self


def run(settings: EvaluateSettings, out: Path) -> None:
    """Write results.csv, and the detail a task has (per_group.parquet, per_well.parquet...), at `out`."""
    from impasto import runs
    from impasto.evaluation import several

    labels = several.labels_of(settings.profiles, labels=settings.labels)
    columns = settings.options.model_dump()["columns"]
    read = ((label, _opened(settings.task, path, columns)) for path, label in zip(settings.profiles, labels, strict=True))
    result = several.evaluate(
        settings.task, read, settings=task_options(settings), part=settings.part, only=settings.only, state=settings.state
    )
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        texts.write_csv(result.scores, temporary / "results.csv")
        for name, table in result.details().items():
            table.to_parquet(temporary / f"{name}.parquet", index=False)
        if len(labels) > 1:
            _compare(temporary, first=labels[0])


def _opened(task: str, path: Path, columns: dict[str, str]) -> Scorable:
    """What a task scores: a table of profiles, or a folder of cells."""
    from impasto import profiles
    from impasto.cells.folder import Cells, is_folder_of_cells

    if task in OF_CELLS:
        return Cells(path)
    if is_folder_of_cells(path):
        raise InputError(f"{task} scores profiles, and {path} holds cells; pool them first: impasto profile {path} --out profiles.parquet")
    return profiles.opened(path, columns=columns)


def _compare(folder: Path, *, first: str) -> None:
    """Write differences.csv: every table less the best, and less the first, on the units that both scored."""
    from impasto.report import differences, paired, table

    scores = table.read([folder])
    columns = table.every_column(scores)
    sets = differences.compared(table.lay_out(scores, columns), columns, paired.read([folder]))
    texts.write_csv(differences.frame(sets, columns, nothing=first), folder / differences.FILE)


def task_options(settings: EvaluateSettings) -> dict[str, Any]:
    """The options as the task takes them.

    Parameters
    ----------
    settings
        A stage: its `options`, and its own keys that are options of the task (`protocol`, `level`, `pairs`, ...).

    Returns
    -------
    dict
        Option -> checked value, of those that were said.

    Raises
    ------
    InputError
        On an option that the task does not take, and on one that it needs and nobody said.

    """
    from impasto.evaluation import several

    said = settings.options.model_dump(mode="json", exclude_unset=True, exclude={"columns"})
    said |= {"pairs": [str(p) for p in settings.pairs]} if settings.pairs else {}
    said |= {word: True for word in ("pool_doses", "exact") if getattr(settings, word)}
    said |= {word: value for word in ("protocol", "level", "same_as") if (value := getattr(settings, word)) is not None}
    if settings.precision == "bf16":
        raise InputError("scores are of float32 products, so evaluate takes no precision bf16; embed in it: impasto embed --precision bf16")
    if settings.device != "auto":
        said.setdefault("device", _device(settings))
    if "seed" in options_of(settings.task).model_fields:  # every stage has a seed; a task that draws nothing needs none
        said.setdefault("seed", settings.seed)
    return several.checked(settings.task, said)


def _device(settings: EvaluateSettings) -> str:
    """The device as a task takes it. Raises InputError where there is none, or the task does not rank."""
    if "device" not in options_of(settings.task).model_fields:
        raise InputError(f"{settings.task} compares nothing on a device, so it takes no --device; leave it out")
    return str(devices.place(DeviceSettings(device=settings.device)).device)


VERB = Verb(
    settings=EvaluateSettings,
    inputs=lambda s: [*s.profiles, *s.pairs],
    run=run,
    result="",
    writes=FOLDER,
    need=lambda s, _, sizes: needs.of_evaluate(s.task, s.profiles, sizes),
)
