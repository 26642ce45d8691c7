"""`impasto evaluate TASK PROFILES --out DIR`: honest numbers, each beside chance, interval and shortcuts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from impasto.evaluation import TASKS
from impasto.recipe import FOLDER, Verb
from impasto.settings import Settings, parse_set


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
    from impasto import profiles as tables
    from impasto import runs
    from impasto.evaluation import several

    labels = several.labels_of(settings.profiles, labels=settings.labels)
    given: dict[str, Any] = {**settings.options, "seed": settings.seed}
    columns = given.pop("columns", None)
    given |= {"pairs": [str(p) for p in settings.pairs]} if settings.pairs else {}
    given |= {k: v for k, v in (("protocol", settings.protocol), ("level", settings.level)) if v is not None}
    read = ((label, tables.read(path, columns=columns)) for path, label in zip(settings.profiles, labels, strict=True))
    result = several.evaluate(settings.task, read, settings=given, part=settings.part, state=settings.state)
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        result.scores.to_csv(temporary / "results.csv", index=False)
        for name, table in result.details().items():
            table.to_parquet(temporary / f"{name}.parquet", index=False)


def command(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help=f"One of {', '.join(TASKS)}.",
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
    pool_doses: Annotated[bool, typer.Option("--pool-doses", help="All doses of a perturbation are one; apart by default.")] = False,
    same_as: Annotated[
        str | None, typer.Option(help="inchikey: perturbations that share an InChIKey are one, and are named; by name otherwise.")
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
        "options": {
            **({"pool_doses": True} if pool_doses else {}),
            **({"same_as": same_as} if same_as is not None else {}),
            **parse_set(changes or []),
        },
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
    for (task, protocol), scores in plain.groupby(["task", "protocol"], sort=False):
        short = [
            {"group": r.group, "metric": r.metric, "value": r.value, "95 % from": r.low, "to": r.high, "chance": r.chance, "n": r.n}
            for r in scores.itertuples()
        ]
        show(short, title=f"{task}: {protocol}", as_json=False)
    if (out / "left_out.parquet").exists():
        for row in pd.read_parquet(out / "left_out.parquet").itertuples():
            console.print(f"left out, {row.profiles}: {row.reason}", highlight=False)
    if (out / "merged.parquet").exists():
        for row in pd.read_parquet(out / "merged.parquet").drop_duplicates().itertuples():
            console.print(f"one InChIKey, scored as {row.perturbation}: {row.names}", highlight=False)


VERB = Verb(settings=EvaluateSettings, inputs=lambda s: [*s.profiles, *s.pairs], run=run, result="", writes=FOLDER)
