"""Recipes: one TOML file that names data, parts, methods and stages; read strictly, run in order, skipped where done.

```toml
name = "demo"
seed = 0

[[stage]]
name = "profiles"                # its folder is OUT/profiles
verb = "ingest"
sources = ["data/plates.parquet"]   # relative to this file

[[stage]]
name = "corrected"
verb = "correct"
profiles = "@profiles"           # the result of an earlier stage; "@" alone is the folder of the run, "@/x" what lies in it
method = "sphering"
```
"""

from __future__ import annotations

import copy
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto import outputs, progress, remote, runs
from impasto.families import Family
from impasto.schema import InputError, nearest
from impasto.settings import Settings, with_base
from impasto.stages import sweep
from impasto.stages.base import FOLDER, Verb
from impasto.stages.sweep import SweepSettings

if TYPE_CHECKING:
    import pandas as pd

STAGES: Family[Verb] = Family(
    "stages",
    what="verb",
    parts={
        "simulate": "impasto.stages.simulate:VERB",
        "ingest": "impasto.stages.ingest:VERB",
        "check": "impasto.stages.check:VERB",
        "profile": "impasto.stages.profile:VERB",
        "correct": "impasto.stages.correct:VERB",
        "graph": "impasto.stages.graph:VERB",
        "expression": "impasto.stages.expression:VERB",
        "train": "impasto.stages.train:VERB",
        "finetune": "impasto.stages.finetune:VERB",
        "embed": "impasto.stages.embed:VERB",
        "evaluate": "impasto.stages.evaluate:VERB",
        "sweep": "impasto.recipe:SWEEP",
        "table": "impasto.stages.table:VERB",
        "panels": "impasto.stages.panels:VERB",
        "index": "impasto.stages.index:VERB",
        "export": "impasto.stages.export:VERB",
        "report": "impasto.stages.report:VERB",
    },
)
"""The verbs that can be a stage of a recipe."""
STAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a stage may be named: the name of one folder of the run, and never a way out of it."""


@dataclass(frozen=True)
class Stage:
    """One stage of a recipe: its name, its verb, and the plain values written for it."""

    name: str
    verb: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A checked recipe. `path` is the file it came from; relative paths in it start at that file's folder."""

    path: Path
    name: str
    seed: int
    stages: tuple[Stage, ...]

    def only(self, name: str) -> Stage:
        """The one stage with this verb, for `impasto train RECIPE` and its like. Raises InputError unless there is one."""
        found = [s for s in self.stages if s.verb == name]
        if len(found) != 1:
            raise InputError(f"{self.path} has {len(found)} stages with verb {name!r}; this command needs exactly one")
        return found[0]

    def seeded(self, seed: int) -> Recipe:
        """The same recipe with another seed."""
        return replace(self, seed=seed)

    def changed(self, changes: Mapping[str, Any]) -> Recipe:
        """The same recipe with other values: `{"train.method.loss": "clip"}` is stage, key, key. Raises InputError on an unknown stage."""
        stages = {s.name: copy.deepcopy(dict(s.values)) for s in self.stages}
        for path, value in changes.items():
            name, *keys = path.split(".")
            if name not in stages or not keys:
                raise InputError(f"{path!r} names no stage and key of {self.path}{nearest(name, stages)}; stages: {', '.join(stages)}")
            table = stages[name]
            for key in keys[:-1]:
                table = table.setdefault(key, {})
            table[keys[-1]] = value
        return replace(self, stages=tuple(replace(s, values=stages[s.name]) for s in self.stages))


def read(path: Path) -> Recipe:
    """Read a recipe. Raises InputError, with the place and the nearest spelling, on anything unknown."""
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; recipes are TOML files, see recipes/ for examples") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    allowed = ("name", "seed", "about", "stage")
    for key in values:
        if key not in allowed:
            raise InputError(f"{path}: unknown key {key!r}{nearest(key, allowed)}; allowed: {', '.join(allowed)}")
    stages: list[Stage] = []
    for number, table in enumerate(values.get("stage", []), start=1):
        table = dict(table)
        kind = table.pop("verb", None)
        if kind not in STAGES:
            slip = next((key for key in table if nearest(key, ["verb"])), "verb") if kind is None else None
            if slip not in (None, "verb"):
                raise InputError(f"{path}: stage {number} has the unknown key {slip!r}{nearest(str(slip), ['verb'])}")
            raise InputError(f"{path}: stage {number} has verb {kind!r}{nearest(str(kind), STAGES)}; allowed: {', '.join(STAGES)}")
        name = str(table.pop("name", kind))
        if not STAGE_NAME.fullmatch(name):
            raise InputError(
                f"{path}: stage {number} is named {name!r}, and its folder is named so: give it a name of letters, digits, _, . and - "
                "that begins with a letter or digit, 64 at most"
            )
        if name in {s.name for s in stages}:
            raise InputError(f"{path}: two stages are named {name!r}; give each its own name")
        stages.append(Stage(name, kind, table))
    if not stages:
        raise InputError(f"{path} has no [[stage]]; add at least one")
    return Recipe(path, str(values.get("name", path.stem)), int(values.get("seed", 0)), tuple(stages))


def settings_of(recipe: Recipe, stage: Stage, *, out: Path, given: Mapping[str, Any] | None = None) -> Settings:
    """The checked settings of one stage: `@stage` and relative paths resolved, the recipe's seed filled in, `given` on top."""
    kind = STAGES[stage.verb].settings
    values = _resolve(dict(stage.values), recipe, stage, out=out)
    if "seed" in kind.model_fields:
        values.setdefault("seed", recipe.seed)
    values.update(given or {})
    return kind.read(with_base(kind, values, base=recipe.path.parent), where=f"{recipe.path}, stage {stage.name!r}")


def _resolve(value: Any, recipe: Recipe, stage: Stage, *, out: Path) -> Any:
    """Replace `@name` by the path of that earlier stage's result, at any depth."""
    if isinstance(value, dict):
        return {k: _resolve(v, recipe, stage, out=out) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolve(v, recipe, stage, out=out) for v in value]
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    name, _, member = value[1:].partition("/")
    if ".." in Path(member).parts or Path(member).is_absolute():
        raise InputError(f"{recipe.path}, stage {stage.name!r}: {value!r} leads out of the stage's result; name a file that lies in it")
    if not name:
        return str((out / member).resolve())
    earlier = {s.name: s for s in recipe.stages[: recipe.stages.index(stage)]}
    if name not in earlier:
        raise InputError(f"{recipe.path}, stage {stage.name!r}: {value!r} names no earlier stage{nearest(name, earlier)}")
    return str((result_of(out, earlier[name]) / member).resolve())


def result_of(out: Path, stage: Stage) -> Path:
    """Where a stage of a run at `out` leaves its result."""
    return out / stage.name / STAGES[stage.verb].result


def refuse_outside(recipe: Recipe, stage: Stage, settings: Settings, *, out: Path) -> None:
    """Raise InputError where a stage of a run would write anywhere but in the folder of the run."""
    result, home = result_of(out, stage), Path(os.path.abspath(out))
    for path in (result, *STAGES[stage.verb].beside(settings, result)):
        if not Path(os.path.abspath(path)).is_relative_to(home):
            raise InputError(
                f"{recipe.path}, stage {stage.name!r}: {path} lies outside of {out}, and a stage writes only there; give '@/{path.name}'"
            )


def execute(name: str, settings: Settings, *, out: Path, work: Callable[[Path], None] | None = None) -> bool:
    """Run one verb so that its result is at `out`, with its record.

    Parameters
    ----------
    name
        The verb.
    settings
        What it is told.
    out
        Where its result goes.
    work
        Leaves the same result at the path it is given, where the caller has read the inputs already; the verb's own `run` otherwise.

    Returns
    -------
    True if work was done, False if the result was there already.

    Raises
    ------
    InputError
        Where the place is not this verb's to write: it holds something else, or what is read.

    """
    chosen = STAGES[name]
    out = outputs.settled(out, folder=chosen.writes.is_folder(out))
    # A link may lead to a name that says the other kind.
    folder = chosen.writes.is_folder(out)
    return runs.run_stage(
        lambda: chosen.run(settings, out) if work is None else work(out),
        verb=name,
        settings=settings,
        inputs=remote.inputs(chosen.inputs(settings)),
        out=out,
        folder=folder,
        beside=list(chosen.beside(settings, out)),
        may_lie_in_input=chosen.may_lie_in_input,
        digest=chosen.digest,
    )


def checked(recipe: Recipe, /, *, out: Path) -> list[tuple[Stage, Settings]]:
    """Every stage of a recipe with its checked settings; the stages of every row of a sweep are checked too.

    Parameters
    ----------
    recipe
        What `read` gave.
    out
        The folder of the run, where `@stage` begins. Nothing is written there.

    Raises
    ------
    InputError
        On the first key or value that is wrong, at any depth: a misspelt key in the last stage must not cost a night.

    """
    stages = [(stage, settings_of(recipe, stage, out=out)) for stage in recipe.stages]
    for stage, settings in stages:
        refuse_outside(recipe, stage, settings, out=out)
        for label, row, folder in _rows(settings, result_of(out, stage)) if isinstance(settings, SweepSettings) else ():
            try:
                checked(row, out=folder)
            except InputError as error:
                raise InputError(f"{recipe.path}, stage {stage.name!r}, row {label!r}: {error}") from None
    return stages


def run(recipe: Recipe, out: Path, /, *, show: Callable[[str, Path], None] | None = None) -> float:
    """Run the stages of a recipe in order, each skipped where it is done.

    Parameters
    ----------
    recipe
        What `read` gave.
    out
        The folder of the run: one folder a stage.
    show
        Called with the verb and the result of each stage.

    Returns
    -------
    float
        The seconds that the stages took, whenever they ran.

    """
    stages = checked(recipe, out=out)
    seconds = 0.0
    for number, (stage, settings) in enumerate(stages, start=1):
        result = result_of(out, stage)
        progress.say(f"{number}/{len(stages)} {stage.name} ({stage.verb})")
        worked = execute(stage.verb, settings, out=result)
        progress.say(f"  {'wrote' if worked else 'already there:'} {result}")
        seconds += float(json.loads(STAGES[stage.verb].record(result).read_text())["seconds"])
        if show is not None:
            show(stage.verb, result)
    return seconds


def _rows(settings: SweepSettings, out: Path) -> Iterator[tuple[str, Recipe, Path]]:
    """The label, the recipe and the folder of every row of a sweep and every seed."""
    base = read(settings.recipe)
    sweep.refuse_unknown_reference(settings, [s.values.get("labels", []) for s in base.stages if s.verb == "evaluate"])
    for row in settings.row:
        changed = base.changed({**settings.given, **row.set})
        for seed in settings.seeds:
            yield row.label, changed.seeded(seed), out / sweep.folder_name(row.label) / str(seed)


def _sweep(settings: SweepSettings, out: Path) -> None:
    """Run every row and seed at `out/<row>/<seed>`; leave results.csv (means over seeds) and per_seed.csv at `out`."""
    frames: list[pd.DataFrame] = []
    without: list[pd.DataFrame] = []
    for label, row, folder in _rows(settings, out):
        progress.say(f"{label}, seed {row.seed}")
        seconds = run(row, folder)
        results = [result_of(folder, stage) for stage in row.stages if stage.verb == "evaluate"]
        trained = [result_of(folder, stage) / "model.json" for stage in row.stages if stage.verb == "train"]
        facts = json.loads(trained[0].read_text())["facts"] if trained else {}
        names = [stage.name for stage in row.stages]
        frames.append(sweep.scores(results, label, stages=names, seconds=seconds, facts=facts).assign(seed=row.seed))
        without.append(sweep.left_out(results, label))
    sweep.write(frames, without, settings, out)


SWEEP = Verb(settings=SweepSettings, inputs=sweep.inputs, run=_sweep, result="", writes=FOLDER)
