"""What the stages of a recipe will take, before the first one runs: each by its inputs, or by what the stages before it will leave."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from impasto import recipe, recipe_extras, remote
from impasto.need import Need
from impasto.recipe_file import Recipe
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.stages import STAGES
from impasto.stages.base import Verb
from impasto.stages.held import Held, Sizes


class OfStage(NamedTuple):
    """A stage and its estimate; None where there is none."""

    name: str
    verb: str
    need: Need | None

    @property
    def has_time(self) -> bool:
        """Whether its time is known."""
        return self.need is not None and self.need.seconds is not None


def of_recipe(whole: Recipe, /, *, out: Path, surveyed: Mapping[str, Mapping[Path, Held]] | None = None) -> list[OfStage]:
    """The estimates of all stages that would run, as if none were done.

    Parameters
    ----------
    whole
        A recipe.
    out
        The folder of the run. Nothing is written there.
    surveyed
        Name of a stage -> what it will leave, where the caller has looked already.

    Returns
    -------
    list[OfStage]
        In the order of the recipe.

    Raises
    ------
    InputError
        On a setting that is wrong, and on inputs that are not there and that no stage makes.

    """
    recipe.checked(whole, out=out)
    sizes, estimates = Sizes(), list[OfStage]()
    for stage, settings in recipe.checked(recipe_extras.available(whole), out=out):
        kind, result = STAGES[stage.verb], recipe.result_of(out, stage)
        _refuse_missing(kind, settings, where=f"{whole.path}, stage {stage.name!r}", out=out)
        estimates.append(OfStage(stage.name, stage.verb, kind.need(settings, result, sizes)))
        known = (surveyed or {}).get(stage.name)
        sizes.expect(kind.leaves(settings, result, sizes) if known is None else known)
    return estimates


def _refuse_missing(kind: Verb, settings: Settings, /, *, where: str, out: Path) -> None:
    """Raise InputError where an input is not there and does not lie in the run."""
    home, inputs = Path(os.path.abspath(out)), list[Path]()
    with contextlib.suppress(InputError):  # of stages whose inputs are listed in results to come
        inputs += kind.inputs(settings)
    for path in inputs:
        if remote.url(path) is None and not path.exists() and not Path(os.path.abspath(path)).is_relative_to(home):
            raise InputError(f"{where}: {path} does not exist; check the path")


def sentences(stages: Sequence[OfStage], /) -> list[str]:
    """The estimates and their sum, as people read them.

    Parameters
    ----------
    stages
        As `of_recipe` gives them.

    Returns
    -------
    list[str]
        A line a stage, and one of all.

    """
    lines = [
        f"{number}/{len(stages)} {stage.name} ({stage.verb}): {stage.need.sentence() if stage.need else 'no estimate'}"
        for number, stage in enumerate(stages, start=1)
    ]
    untimed = [stage.name for stage in stages if not stage.has_time]
    unknown = f"; the time of {len(untimed)} of {len(stages)} is not known: {', '.join(untimed)}" if untimed else ""
    known = [stage.need for stage in stages if stage.need is not None]
    return [*lines, f"together {Need.of_all(known).about() if known else 'no estimate'}{unknown}"]


def as_values(stages: Sequence[OfStage], /) -> dict[str, Any]:
    """The same as JSON holds it.

    Parameters
    ----------
    stages
        As `of_recipe` gives them.

    Returns
    -------
    dict
        `stages`, `together`, and `without_time`, the names of stages whose time is not known.

    """
    return {
        "stages": [{"stage": stage.name, "verb": stage.verb, **_numbers(stage.need)} for stage in stages],
        "together": _numbers(Need.of_all(stage.need for stage in stages)),
        "without_time": [stage.name for stage in stages if not stage.has_time],
    }


def _numbers(need: Need | None) -> dict[str, Any]:
    values = (None, None, None) if need is None else (need.memory, need.disk, need.seconds)
    return dict(zip(("memory_bytes", "disk_bytes", "seconds_of_one_core"), values, strict=True))
