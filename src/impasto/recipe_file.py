"""The file of a recipe: TOML that names data, parts, methods and stages.

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
extra = "scvi"                   # left out where that extra is not installed (recipe_extras)
at = "stages/corrected.parquet"  # where the result lies in the folder of the run, instead of corrected/profiles.parquet
method = "sphering"
```
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto import lacking, texts
from impasto.schema import InputError, nearest, one_of
from impasto.stages import STAGES

STAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a stage may be named: the name of one folder of the run, and never a way out of it."""


@dataclass(frozen=True)
class Stage:
    """One stage of a recipe.

    Attributes
    ----------
    name
        Of the stage, and of its folder.
    verb
        What it runs.
    values
        The plain values that are written for it.

    """

    name: str
    verb: str
    values: Mapping[str, Any]
    at: str = ""
    """Where in the folder of the run its result lies, where that is not the stage's own folder."""
    extra: str = ""
    """The extra without which it is left out."""


@dataclass(frozen=True)
class Recipe:
    """A recipe.

    Attributes
    ----------
    path
        The file it came from; relative paths in it start at that file's folder.
    name
        Of the recipe.
    seed
        Of all that is drawn.
    stages
        In the order in which they run.

    """

    path: Path
    name: str
    seed: int
    stages: tuple[Stage, ...]

    def only(self, name: str) -> Stage:
        """The one stage with this verb, for `impasto train RECIPE` and its like.

        Parameters
        ----------
        name
            A verb.

        Returns
        -------
        Stage
            The one stage of it.

        Raises
        ------
        InputError
            Unless there is exactly one.

        """
        stages = [s for s in self.stages if s.verb == name]
        if len(stages) != 1:
            raise InputError(f"{self.path} has {len(stages)} stages with verb {name!r}; this command needs exactly one")
        return stages[0]

    def seeded(self, seed: int) -> Recipe:
        """The same recipe with another seed.

        Parameters
        ----------
        seed
            The other seed.

        Returns
        -------
        Recipe
            The same stages.

        """
        return replace(self, seed=seed)

    def changed(self, changes: Mapping[str, Any]) -> Recipe:
        """The same recipe with other values: `{"train.method.loss": "clip"}` is stage, key, key.

        Parameters
        ----------
        changes
            `STAGE.KEY.KEY` -> value, plain.

        Returns
        -------
        Recipe
            The same stages with these values; they are checked with the others.

        Raises
        ------
        InputError
            Where a key names no stage.

        """
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
    """Read a recipe.

    Parameters
    ----------
    path
        A TOML file.

    Returns
    -------
    Recipe
        Its stages; their values are plain, and `checked` checks them.

    Raises
    ------
    InputError
        With the place and the nearest spelling, on anything unknown.

    """
    try:
        text = texts.read(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; recipes are TOML files, see recipes/ for examples") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    return parsed(text, path=path)


def parsed(text: str, /, *, path: Path) -> Recipe:
    """The recipe of a text.

    Parameters
    ----------
    text
        TOML.
    path
        Its file, where relative paths start; it need not be there.

    Returns
    -------
    Recipe
        As `read` gives it.

    Raises
    ------
    InputError
        As `read` does.

    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
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
        at = str(table.pop("at", ""))
        if at and not all(STAGE_NAME.fullmatch(part) for part in at.split("/")):
            raise InputError(
                f"{path}: stage {name!r} lies at {at!r}, and its result goes there: give a place in the folder of the run, as stages/{name}"
            )
        extra = str(table.pop("extra", ""))
        if extra:
            one_of(extra, lacking.EXTRAS, what=f"extra of the stage {name!r} of {path}")
        stages.append(Stage(name, kind, table, at, extra))
    if not stages:
        raise InputError(f"{path} has no [[stage]]; add at least one")
    _refuse_shared_places(path, stages)
    name, seed = values.get("name", path.stem), values.get("seed", 0)
    if not isinstance(name, str):
        raise InputError(f"{path}: name is {name!r}; allowed: a text, in quotes")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise InputError(f"{path}: seed is {seed!r}; allowed: a whole number")
    return Recipe(path, name, seed, tuple(stages))


def _refuse_shared_places(path: Path, stages: list[Stage]) -> None:
    """Raise InputError where the result of a stage would lie in, or be, that of another."""
    places = {stage.name: f"{stage.at or stage.name}/" for stage in stages}
    for stage in stages:
        for other, place in places.items():
            if stage.at and other != stage.name and (place.startswith(places[stage.name]) or places[stage.name].startswith(place)):
                raise InputError(f"{path}: stage {stage.name!r} lies at {stage.at!r}, where stage {other!r} lies; give each its own place")
