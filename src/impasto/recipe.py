"""Recipes: their stages are checked before the first one runs, run in order, and skipped where done.

`recipe_file` says what is in the file of a recipe.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from impasto import lacking, outputs, progress, recipe_extras, remote, runs, texts
from impasto.need import Need, duration
from impasto.recipe_file import STAGE_NAME, Recipe, Stage, parsed, read
from impasto.relative_paths import with_base
from impasto.schema import InputError, nearest
from impasto.settings import Settings
from impasto.stages import STAGES
from impasto.stages.held import Sizes

__all__ = ["STAGE_NAME", "Recipe", "Stage", "checked", "execute", "parsed", "read", "refuse_outside", "result_of", "run", "settings_of"]

_LONG = 60
"""A stage of so many seconds or more says how long it takes."""


def settings_of(recipe: Recipe, stage: Stage, *, out: Path, changes: Mapping[str, Any] | None = None) -> Settings:
    """The checked settings of one stage: `@stage` and relative paths resolved, the recipe's seed filled in, `changes` on top.

    Parameters
    ----------
    recipe, stage
        A recipe and one of its stages.
    out
        The folder of the run, where `@stage` begins.
    changes
        Key -> value, instead of what the stage says.

    Returns
    -------
    Settings
        Of the class that the verb names.

    Raises
    ------
    InputError
        On the first key or value that is wrong, at any depth.

    """
    kind = STAGES[stage.verb].settings
    values = _resolve(dict(stage.values), recipe, stage, out=out)
    if "seed" in kind.model_fields:
        values.setdefault("seed", recipe.seed)
    values.update(changes or {})
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
    """Where a stage of a run at `out` leaves its result.

    Parameters
    ----------
    out
        The folder of the run.
    stage
        One of its stages.

    Returns
    -------
    Path
        The file or folder.

    """
    return out / stage.at if stage.at else out / stage.name / STAGES[stage.verb].result


def refuse_outside(recipe: Recipe, stage: Stage, settings: Settings, *, out: Path) -> None:
    """Refuse a stage of a run that would write anywhere but in the folder of the run.

    Parameters
    ----------
    recipe, stage, settings
        A stage with its checked settings.
    out
        The folder of the run.

    Raises
    ------
    InputError
        Where it would.

    """
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
        Its settings.
    out
        Where its result goes.
    work
        Leaves the same result at the path that it takes, where the caller has read the inputs already; the verb's own `run` otherwise.

    Returns
    -------
    bool
        True if work was done, False if the result was there already.

    Raises
    ------
    InputError
        Where the place is not this verb's to write: it holds something else, or what is read.
    Unfinished
        Where this machine has too little memory or disk for it.

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
        need=lambda: _said(chosen.need(settings, out, Sizes()), out),
    )


def _said(need: Need | None, out: Path) -> Need | None:
    """The same estimate, printed where work takes minutes."""
    if need is not None and need.seconds is not None and need.seconds >= _LONG:
        progress.say(f"{out}: about {duration(need.seconds)} of one core of this machine")
    return need


def checked(recipe: Recipe, /, *, out: Path) -> list[tuple[Stage, Settings]]:
    """Every stage of a recipe with its checked settings.

    Parameters
    ----------
    recipe
        What `read` gave.
    out
        The folder of the run, where `@stage` begins. Nothing is written there.

    Returns
    -------
    list[tuple[Stage, Settings]]
        In the order of the recipe.

    Raises
    ------
    InputError
        On the first key or value that is wrong, at any depth: a misspelt key in the last stage must not cost a night.

    """
    stages = [(stage, settings_of(recipe, stage, out=out)) for stage in recipe.stages]
    for stage, settings in stages:
        refuse_outside(recipe, stage, settings, out=out)
    return stages


def run(recipe: Recipe, out: Path, /, *, show: Callable[[str, Path], None] | None = None) -> float:
    """Run the stages of a recipe in order, each skipped where it is done. One whose extra is not installed is left out, and said.

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
    checked(recipe, out=out)
    for name, need in recipe_extras.left_out(recipe).items():
        progress.say(f"{name}: {lacking.said([need])}")
    stages = checked(recipe_extras.available(recipe), out=out)
    seconds = 0.0
    for number, (stage, settings) in enumerate(stages, start=1):
        result = result_of(out, stage)
        progress.say(f"{number}/{len(stages)} {stage.name} ({stage.verb})")
        worked = execute(stage.verb, settings, out=result)
        progress.say(f"  {'wrote' if worked else 'already there:'} {result}")
        seconds += float(json.loads(texts.read(STAGES[stage.verb].record(result)))["seconds"])
        if show is not None:
            show(stage.verb, result)
    return seconds
