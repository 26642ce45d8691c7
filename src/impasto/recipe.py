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
import importlib
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from impasto import claims, records, runs
from impasto.schema import PROFILES_FILES, InputError, nearest, one_of
from impasto.settings import Settings

STAGES = (
    "simulate",
    "ingest",
    "check",
    "profile",
    "correct",
    "graph",
    "expression",
    "train",
    "finetune",
    "embed",
    "evaluate",
    "sweep",
    "table",
    "panels",
    "index",
    "export",
    "report",
)
"""The verbs that can be a stage of a recipe, in the order of the data's path."""


STAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a stage may be named: the name of one folder of the run, and never a way out of it."""


@dataclass(frozen=True)
class Writes:
    """What a verb writes: a folder of files, or one file whose name ends in one of `suffixes` (where both may be: told by the name)."""

    folder: bool
    suffixes: tuple[str, ...] = ()

    def is_folder(self, out: Path) -> bool:
        """Whether the result at `out` is a folder of files. Raises InputError where the name fits nothing that the verb writes."""
        named_as_file = out.name.lower().endswith(self.suffixes)
        if not named_as_file and not self.folder:
            raise InputError(f"{out}: cannot tell the kind of file from its name; allowed: {', '.join(self.suffixes)}")
        return not named_as_file


def digest_of_images(path: Path) -> str:
    """The digest of an input that may hold images or name them (`plates.digest`)."""
    from impasto.plates.digest import digest  # reads pixels' formats, so it is imported when it is asked for

    return digest(path)


FOLDER = Writes(folder=True)
PROFILES = Writes(folder=False, suffixes=PROFILES_FILES)


@dataclass(frozen=True)
class Verb:
    """One verb.

    `settings` checks its options; `inputs` lists the paths it reads; `run(settings, out)` leaves the result at `out`;
    `result` is the name of that result inside a stage's folder (`""`: the folder itself); `writes` says whether it is a folder or a file;
    `beside(settings, out)` names what else is written; `may_lie_in_input`: the result may stand among what is read; `digest` is the digest
    of an input; `show(out)`, where there is one, prints the result.
    """

    settings: type[Settings]
    inputs: Callable[[Any], Sequence[Path]]
    run: Callable[[Any, Path], None]
    result: str
    writes: Writes
    beside: Callable[[Any, Path], Sequence[Path]] = lambda _settings, _out: ()
    may_lie_in_input: bool = False
    digest: Callable[[Path], str] = runs.digest
    show: Callable[[Path], None] | None = None

    def record(self, out: Path) -> Path:
        """Where the record of a result at `out` is kept."""
        return records.path_of(out, folder=self.writes.is_folder(out))


def verb(name: str) -> Verb:
    """The verb of that name: the one place where a verb's name is looked up. Raises InputError where there is none."""
    found: Verb = importlib.import_module(f"impasto.verbs.{one_of(name, STAGES, what='verb')}").VERB
    return found


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
    kind = verb(stage.verb).settings
    values = _resolve(dict(stage.values), recipe, stage, out=out)
    if "seed" in kind.model_fields:
        values.setdefault("seed", recipe.seed)
    values.update(given or {})
    return kind.read(_paths(kind, values, base=recipe.path.parent), where=f"{recipe.path}, stage {stage.name!r}")


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


def _paths(kind: type[Settings], values: dict[str, Any], *, base: Path) -> dict[str, Any]:
    """Make relative paths of Path-typed keys start at the recipe's folder."""

    def absolute(value: Any) -> Any:
        if isinstance(value, list):
            return [absolute(v) for v in value]
        return str(base / value) if isinstance(value, str) else value

    def is_path(annotation: Any) -> bool:
        return annotation is Path or any(is_path(a) for a in get_args(annotation))

    return {k: absolute(v) if k in kind.model_fields and is_path(kind.model_fields[k].annotation) else v for k, v in values.items()}


def result_of(out: Path, stage: Stage) -> Path:
    """Where a stage of a run at `out` leaves its result."""
    return out / stage.name / verb(stage.verb).result


def refuse_outside(recipe: Recipe, stage: Stage, settings: Settings, *, out: Path) -> None:
    """Raise InputError where a stage of a run would write anywhere but in the folder of the run."""
    result, home = result_of(out, stage), Path(os.path.abspath(out))
    for path in (result, *verb(stage.verb).beside(settings, result)):
        if not Path(os.path.abspath(path)).is_relative_to(home):
            raise InputError(
                f"{recipe.path}, stage {stage.name!r}: {path} lies outside of {out}, and a stage writes only there; give '@/{path.name}'"
            )


def execute(name: str, settings: Settings, *, out: Path) -> bool:
    """Run one verb so that its result is at `out`, with its record; True if work was done, False if it was there already.

    Raises InputError where the place is not this verb's to write: it holds something else, or what is read.
    """
    chosen = verb(name)
    folder = chosen.writes.is_folder(out)
    out = claims.settled(out, folder=folder)
    return runs.run_stage(
        lambda: chosen.run(settings, out),
        verb=name,
        settings=settings,
        inputs=list(chosen.inputs(settings)),
        out=out,
        folder=folder,
        beside=list(chosen.beside(settings, out)),
        may_lie_in_input=chosen.may_lie_in_input,
        digest=chosen.digest,
    )
