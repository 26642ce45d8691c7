"""Strict settings: every verb, part and recipe stage is described by one frozen pydantic model.

Unknown keys and wrong types are refused in one sentence that names the place, what is allowed and the nearest spelling
(`wrong_settings`). A field whose value is the settings of one part of a family (`{method = "sphering", regulariser = 1}`) is marked by
`parts.OneOf` or `parts.SettingsOf`. A field carries its help (`Field(description=...)`), from which `options` makes the command line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from impasto.schema import InputError
from impasto.wrong_settings import WrongSetting, wrong_setting


class Settings(BaseModel):
    """The base of all settings: frozen, strict, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
    change_nothing: ClassVar[frozenset[str]] = frozenset()
    """Fields that say where and how work runs, and change nothing in its result; those of the classes it is made from count too."""

    @classmethod
    def read(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """Check plain values, as they come from TOML or from a command line.

        Parameters
        ----------
        values
            Key -> value: numbers, text, lists and tables.
        where
            The place that an error sentence names: `"recipes/x.toml, stage 'corrected'"`.

        Returns
        -------
        Self
            The checked settings.

        Raises
        ------
        InputError
            On an unknown or missing key and on a value of the wrong kind, at any depth.

        """
        try:
            return cls.checked(values)
        except WrongSetting as error:
            place = ", ".join(filter(None, [where, error.place]))
            raise InputError(f"{place}: {error.sentence}" if place else error.sentence) from None

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """`read`, as a part of larger settings.

        Parameters
        ----------
        values
            Key -> value, plain.

        Returns
        -------
        Self
            The checked settings.

        Raises
        ------
        WrongSetting
            Where `read` raises InputError; its place is inside these settings.

        """
        try:
            # JSON mode: strict about kinds, yet a list may become a tuple and a string a path.
            return cls.model_validate_json(json.dumps(values, default=_plain))
        except ValidationError as error:
            raise wrong_setting(cls, error) from None

    @classmethod
    def with_implied(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Plain values with the keys that others of them imply, before relative paths are resolved and the values are checked.

        Parameters
        ----------
        values
            Key -> value, plain and unchecked.

        Returns
        -------
        Mapping[str, Any]
            The same values, by default without more.

        """
        return values

    @classmethod
    def without_effect(cls) -> frozenset[str]:
        """The fields that change no result, of this class and of those it is made of.

        Returns
        -------
        frozenset[str]
            Their names.

        """
        return frozenset().union(*(vars(kind).get("change_nothing", ()) for kind in cls.__mro__))

    def result(self) -> dict[str, Any]:
        """What of these settings a result depends on: plain values, without the fields that `change_nothing`.

        Returns
        -------
        dict[str, Any]
            JSON-safe, at any depth.

        """
        values = self.model_dump(mode="json")
        for key in type(self).model_fields:
            if key in self.without_effect():
                del values[key]
            elif isinstance(inner := getattr(self, key), Settings):
                values[key] = inner.result()
        return values


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.model_dump(mode="json")
    return str(value)


@dataclass(frozen=True)
class Shown:
    """How a field stands on the command line, where its name and type do not say all of it."""

    place: Literal["option", "argument", "nowhere"] = "option"
    """`argument`: by position. `nowhere`: in recipes only."""
    name: str = ""
    """The option, where it is not the field's name: `label` for `labels`."""
    also: str = ""
    """A second word for the same option: `control` beside `negcon`."""
    metavar: str = ""
    """What stands for the value in the help."""
    separator: str = ""
    """Several values in one word: `,` for `--channels ch1=DNA,ch2=ER`."""
