"""`impasto evaluate TASK PROFILES --out DIR`: honest numbers, each beside chance, interval and shortcuts."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from pydantic import Field, TypeAdapter, ValidationError

from impasto.recipe import FOLDER, Verb
from impasto.schema import InputError, nearest
from impasto.settings import Settings, parse_set

if TYPE_CHECKING:
    import pandas as pd

    from impasto.evaluation.tidy import Score


class EvaluateSettings(Settings):
    """A task over one or several tables of profiles; with several, `labels` names each in the table of results."""

    task: str
    profiles: list[Path]
    labels: list[str] = Field(default_factory=list)
    protocol: str | None = None
    level: str | None = None
    part: str | None = None
    """Only the rows of this part of the column `split` (`test`: what no fit has seen), with negative controls."""
    pairs: list[Path] = Field(default_factory=list)
    """Of relations: files or folders of known pairs."""
    options: dict[str, Any] = Field(default_factory=dict)
    state: str = ""
    """What was done to the profiles ("standardized"): told at the end of each protocol, so that two evaluations can share a table."""
    seed: int = 0


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
    given = _options(settings, evaluate)
    scores: list[tidy.Score] = []
    details: dict[str, list[pd.DataFrame]] = {}
    for path, label in zip(settings.profiles, labels, strict=True):
        profiles = tables.read(path, columns=given.get("columns"))
        profiles = profiles if settings.task == "cross-modal" else inputs.wells_of(profiles)
        profiles = profiles if settings.part is None else inputs.of_part(profiles, settings.part)
        options = {k: v for k, v in given.items() if k != "columns"}
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


def _options(settings: EvaluateSettings, evaluate: Any) -> dict[str, Any]:
    """The options a task takes; a word it does not know is refused with the nearest one."""
    parameters = inspect.signature(evaluate).parameters
    allowed = [n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY and n != "group"]
    given = {**settings.options, "seed": settings.seed}
    given |= {"pairs": [str(p) for p in settings.pairs]} if settings.pairs else {}
    given |= {k: v for k, v in (("protocol", settings.protocol), ("level", settings.level)) if v is not None}
    for name in given:
        if name not in (*allowed, "columns"):
            raise InputError(f"{settings.task} takes no option {name!r}{nearest(name, allowed)}; allowed: {', '.join(allowed)}")
    for name in allowed:
        if parameters[name].default is inspect.Parameter.empty and name not in given:
            raise InputError(f"{settings.task} needs the option {name!r}; give it with --set {name}=...")
    kinds = get_type_hints(evaluate)
    return {name: value if name == "columns" else _checked(name, value, kinds[name]) for name, value in given.items()}


def _checked(name: str, value: Any, kind: Any) -> Any:
    """A value as the kind that the task declares for it."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise InputError(f"the option {name} is {value!r}, but {said[0].lower()}{said[1:]}") from None


def command(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help="cross-modal, replicates, sisters, relations, compound-gene, mechanism, mixing, conservation, transfer, shortcuts, hits.",
        ),
    ],
    profiles: Annotated[list[Path], typer.Argument(metavar="PROFILES...", help="One table, or several to compare (before, after).")],
    out: Annotated[Path, typer.Option(help="The folder of the results.")],
    protocol: Annotated[
        str | None,
        typer.Option(help="How to rank: of replicates plate-controls, plate-others or all-others; a wrong name lists those of the task."),
    ] = None,
    level: Annotated[str | None, typer.Option(help="Of replicates: any, batch, source, position, or all of them.")] = None,
    part: Annotated[str | None, typer.Option(help="Only this part of the column split: train, validation or test.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the task, or columns.well=NAME.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of bootstrap and permutations.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of rows.")] = False,
) -> None:
    """Score profiles; every score stands beside its protocol, chance, interval, n and the shortcut baselines.

    Example: `impasto evaluate replicates raw.parquet corrected.parquet --level batch --out scores --json`
    """
    from impasto import recipe as recipes

    given = {
        "task": task,
        "profiles": [str(p) for p in profiles],
        "protocol": protocol,
        "level": level,
        "part": part,
        "options": parse_set(changes or []),
    }
    settings = EvaluateSettings.read({**given, "seed": seed}, where="impasto evaluate")
    recipes.execute("evaluate", settings, out=out)
    show_results(out, as_json=as_json)


def show_results(out: Path, *, as_json: bool) -> None:
    """Print results.csv: whole as JSON, or a table a protocol for people."""
    import pandas as pd

    from impasto.verbs.terminal import console, show

    rows = pd.read_csv(out / "results.csv")
    plain = rows.astype(object).where(rows.notna(), None)
    if as_json:
        show(plain.to_dict(orient="records"), title="", as_json=True)
        return
    for (task, protocol), mine in plain.groupby(["task", "protocol"], sort=False):
        short = [
            {"group": r.group, "metric": r.metric, "value": r.value, "95 % from": r.low, "to": r.high, "chance": r.chance, "n": r.n}
            for r in mine.itertuples()
        ]
        show(short, title=f"{task}: {protocol}", as_json=False)
    if (out / "left_out.parquet").exists():
        for row in pd.read_parquet(out / "left_out.parquet").itertuples():
            console.print(f"left out, {row.profiles}: {row.reason}", highlight=False)


VERB = Verb(settings=EvaluateSettings, inputs=lambda s: [*s.profiles, *s.pairs], run=run, result="", writes=FOLDER)
