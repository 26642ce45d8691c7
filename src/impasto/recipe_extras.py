"""Stages that need an extra: where it is not installed they are left out, and the rows that they would have filled say so.

```toml
[[stage]]
name = "scanorama"
verb = "correct"
extra = "scanorama"        # a method that not everybody has; without it the other rows of the table are still there
```

A stage that lists several profiles (evaluate, panels) goes on without those of the stage, and without their label. A table shows the
label as `not run: needs pip install 'impasto[scanorama]'`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from impasto import lacking
from impasto.recipe_file import Recipe, Stage
from impasto.schema import InputError


def left_out(recipe: Recipe, /) -> dict[str, str]:
    """The stages that cannot be run here.

    Parameters
    ----------
    recipe
        A recipe.

    Returns
    -------
    dict[str, str]
        Name of the stage -> the command that brings what it needs.

    """
    return {stage.name: need for stage in recipe.stages for need in lacking.of_extra(stage.extra)}


def labels(recipe: Recipe, /) -> dict[str, str]:
    """The labels of the profiles that are listed, where some of these cannot be made here.

    Parameters
    ----------
    recipe
        A recipe.

    Returns
    -------
    dict[str, str]
        Label, in the order of the stages -> the command that brings what it needs, or nothing; empty where nothing is lacking.

    """
    gone = left_out(recipe)
    listed = {label: need for stage in recipe.stages for label, need in _labels(stage, gone).items()}
    return listed if any(listed.values()) else {}


def available(recipe: Recipe, /) -> Recipe:
    """The recipe without what cannot be run here.

    Parameters
    ----------
    recipe
        A recipe.

    Returns
    -------
    Recipe
        The same one where nothing is lacking.

    Raises
    ------
    InputError
        Where a stage rests on one that is left out, and would not be left out itself.

    """
    gone = left_out(recipe)
    if not gone:
        return recipe
    listed = {stage.name: _labels(stage, gone) for stage in recipe.stages}
    stages = [replace(s, values=_without(s, gone, listed, recipe)) for s in recipe.stages if s.name not in gone]
    return replace(recipe, stages=tuple(stages))


def _labels(stage: Stage, gone: Mapping[str, str]) -> dict[str, str]:
    """Label of each of the profiles that a stage lists -> what it lacks, or nothing; empty for other stages."""
    profiles, names = stage.values.get("profiles"), stage.values.get("labels")
    if not (isinstance(profiles, list) and isinstance(names, list) and len(profiles) == len(names)):
        return {}
    return {str(name): gone.get(_stage_of(value), "") for name, value in zip(names, profiles, strict=True)}


def _without(stage: Stage, gone: Mapping[str, str], listed: Mapping[str, Mapping[str, str]], recipe: Recipe) -> dict[str, Any]:
    values = dict(stage.values)
    of_stage = listed[stage.name]
    if any(of_stage.values()):
        kept = [not need for need in of_stage.values()]
        for key in ("profiles", "labels"):
            values[key] = [value for value, stays in zip(values[key], kept, strict=True) if stays]
    if stage.verb == "table":
        of_results = [listed.get(_stage_of(value), {}) for value in values.get("results", [])]
        rows = {label: need for one in of_results for label, need in one.items()}
        if any(rows.values()):
            values["not_run"] = rows
    for name in stages_in(values):
        if name in gone:
            raise InputError(
                f"{recipe.path}, stage {stage.name!r} rests on {name!r}, which needs {gone[name]}; give it the same extra, or take it out"
            )
    return values


def _stage_of(value: object) -> str:
    """The stage that `@stage/member` names; nothing for another value."""
    return value[1:].partition("/")[0] if isinstance(value, str) and value.startswith("@") else ""


def stages_in(value: object, /) -> list[str]:
    """The stages that a value of a recipe names by `@`, at any depth.

    Parameters
    ----------
    value
        Of a key, or all values of a stage.

    Returns
    -------
    list[str]
        Names, as often as they stand there.

    """
    if isinstance(value, dict):
        return [name for member in value.values() for name in stages_in(member)]
    if isinstance(value, list):
        return [name for member in value for name in stages_in(member)]
    return [name] if (name := _stage_of(value)) else []
