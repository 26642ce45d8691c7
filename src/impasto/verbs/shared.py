"""The options that several verbs share, beside those of their settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import recipe
from impasto.devices import DeviceSettings
from impasto.options import Printing, parse_set
from impasto.settings import Settings, Shown

__all__ = ["FromRecipe", "Printing", "Setting", "Training", "Writing", "settings_from_recipe"]


class Writing(Printing):
    """The options of every verb that writes a result."""

    out: Path = Field(description="Where to write.")


class Setting(Settings):
    """The option of a verb some of whose settings are tables, which only `--set` can write."""

    changes: Annotated[list[str], Shown(name="set", metavar="KEY=VALUE")] = Field(
        default_factory=list, description="Another setting, as k=25 or columns.well=Position."
    )


class FromRecipe(Writing, Setting):
    """The options of a verb most of whose settings a stage of a recipe says."""

    path: Annotated[Path, Shown("argument", metavar="RECIPE")] = Field(description="A recipe with one stage of this verb; see recipes/.")


class Training(FromRecipe, DeviceSettings):
    """The options of a verb that trains: the recipe says the device and the precision as keys of `loop`."""


def settings_from_recipe(verb: str, values: Mapping[str, Any], flags: FromRecipe, /) -> Settings:
    """The settings of the one stage of this verb in a recipe, with what the command line says on top, key by key.

    Parameters
    ----------
    verb
        The verb.
    values
        What was typed for its settings.
    flags
        The recipe, and the words of `--set`.

    Returns
    -------
    Settings
        Checked.

    Raises
    ------
    InputError
        Unless the recipe has one such stage, and where a setting is wrong.

    """
    whole = recipe.read(flags.path)
    stage = whole.only(verb)
    changes = {key: str(value.resolve()) if isinstance(value, Path) else value for key, value in values.items()}
    for key, value in parse_set(flags.changes).items():
        changes[key] = {**stage.values.get(key, {}), **value} if isinstance(value, dict) else value
    if isinstance(flags, Training) and (typed := DeviceSettings.model_fields.keys() & flags.model_fields_set):
        loop = changes.get("loop", stage.values.get("loop", {}))
        changes["loop"] = {**loop, **{key: getattr(flags, key) for key in sorted(typed)}}
    return recipe.settings_of(whole, stage, out=flags.out, changes=changes)
