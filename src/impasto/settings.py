"""Strict settings: every verb, part and recipe stage is described by one frozen pydantic model.

Unknown keys and wrong types are refused in one sentence that names the place, what is allowed and the nearest spelling. A field whose
value is the settings of one part of a family (`{method = "sphering", regulariser = 1}`) is marked `OneOf`: the part is looked up by its
name, plugins included, and checked against its own settings. A field carries its help (`Field(description=...)`), from which
`impasto.options` makes the command line.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import core_schema

from impasto.schema import InputError, nearest


class Settings(BaseModel):
    """The base of all settings: frozen, strict, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @classmethod
    def read(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """Check plain values, as they come from TOML or from a command line.

        Parameters
        ----------
        values
            Key -> value: numbers, text, lists and tables.
        where
            The place that an error sentence names: `"recipes/x.toml, stage 'corrected'"`.

        Raises
        ------
        InputError
            On an unknown or missing key and on a value of the wrong kind, at any depth.

        """
        try:
            return _checked(cls, values)
        except WrongSetting as error:
            place = ", ".join(filter(None, [where, error.place]))
            raise InputError(f"{place}: {error.sentence}" if place else error.sentence) from None


@dataclass(frozen=True)
class Shown:
    """How a field stands on the command line, where its name and type do not say all of it."""

    place: Literal["option", "argument", "nowhere"] = "option"
    """`argument`: by position. `nowhere`: in recipes only."""
    name: str = ""
    """The option, where it is not the field's name: `label` for `labels`."""
    metavar: str = ""
    separator: str = ""
    """Several values in one word: `,` for `--channels ch1=DNA,ch2=ER`."""


@dataclass(frozen=True)
class Part:
    """One part of a family, chosen by its name, with its settings."""

    name: str
    settings: Settings


@dataclass(frozen=True)
class OneOf:
    """Marks a field that holds one part of a family: `Annotated[Part, OneOf("method", settings_of)]`.

    Parameters
    ----------
    key
        The key of the table that names the part.
    settings_of
        Name of a part -> its settings. Raises InputError where there is no such part.

    """

    key: str
    settings_of: Callable[[str], type[Settings]]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        """How pydantic reads and writes such a field."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(self.written)
        )

    def read(self, value: Any) -> Part:
        """The part that a table names, with its checked settings."""
        if isinstance(value, Part):
            return value
        if not isinstance(value, Mapping):
            raise WrongSetting("", f"{value!r} is not a table; write {{ {self.key} = NAME, ... }}")
        if self.key not in value:
            slip = next((key for key in value if nearest(key, [self.key])), None)
            raise WrongSetting(
                "",
                f"the key {self.key!r} is missing; add it" if slip is None else f"unknown key {slip!r}{nearest(slip, [self.key])}",
            )
        name = str(value[self.key])
        kind = self.settings_of(name)
        try:
            return Part(name, _checked(kind, {k: v for k, v in value.items() if k != self.key or k in kind.model_fields}))
        except WrongSetting as error:
            raise WrongSetting(f" ({name}){'.' if error.place else ''}{error.place}", error.sentence) from None

    def written(self, part: Part) -> dict[str, Any]:
        """The table that is read as this part: every setting, those by default too."""
        return {self.key: part.name, **part.settings.model_dump(mode="json")}


class WrongSetting(InputError):
    """What is wrong in settings: the place inside them, and the sentence."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(f"{place}: {sentence}" if place else sentence)
        self.place, self.sentence = place, sentence


def _checked(kind: type[Settings], values: Mapping[str, Any]) -> Any:
    try:
        # JSON mode: strict about kinds, yet a list may become a tuple and a string a path.
        return kind.model_validate_json(json.dumps(values, default=_plain))
    except ValidationError as error:
        raise _wrong(kind, error) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.model_dump(mode="json")
    return str(value)


def _wrong(kind: type[Settings], error: ValidationError) -> WrongSetting:
    """The first thing that is wrong. A misspelt key is both unknown and missing; its own spelling is the better news."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden" and not isinstance(_cause(e), WrongSetting))
    cause = _cause(first)
    if isinstance(cause, InputError):
        here, _ = _walk(kind, first["loc"])
        inner, sentence = (cause.place, cause.sentence) if isinstance(cause, WrongSetting) else ("", str(cause))
        return WrongSetting(here + ("." if here and inner and not inner.startswith(" ") else "") + inner, sentence)
    if first["type"] == "extra_forbidden":
        here, holder = _walk(kind, first["loc"][:-1])
        key, names = str(first["loc"][-1]), list(holder.model_fields) if holder else []
        return WrongSetting(here, f"unknown key {key!r}{nearest(key, names)}{'; allowed: ' + ', '.join(names) if names else ''}")
    here, _ = _walk(kind, first["loc"])
    before, dot, key = here.rpartition(".")
    if key.isdigit() and dot:  # a member of a list is named with its list
        before, _, name = before.rpartition(".")
        key = f"{name}.{key}"
    if first["type"] == "missing":
        return WrongSetting(before, f"the key {key!r} is missing; add it")
    message = first["msg"]
    slip = nearest(str(first["input"]), re.findall(r"'([^']*)'", message)) if first["type"] == "literal_error" else ""
    return WrongSetting(before, f"{key or 'value'} is {first['input']!r}{slip}, but {message[0].lower()}{message[1:]}")


def _cause(error: Any) -> Any:
    return error.get("ctx", {}).get("error")


def _walk(kind: type[Settings], path: tuple[int | str, ...]) -> tuple[str, type[Settings] | None]:
    """A place in words (`steps.2`, counted from 1), and the settings that stand there; pydantic's names of union members are left out."""
    names: list[str] = []
    hint: Any = kind
    for step in path:
        hint = _inside(hint, step)
        if hint is None:
            break
        names.append(str(step + 1) if isinstance(step, int) else step)
    return ".".join(names), next(iter(_settings_in(hint)), None)


def _inside(hint: Any, step: int | str) -> Any:
    """The type of a member of a value of type `hint`; None where it has no such member."""
    for choice in _choices(hint):
        if isinstance(choice, type) and issubclass(choice, Settings) and step in choice.model_fields:
            return choice.model_fields[str(step)].annotation
        if get_origin(choice) is dict and isinstance(step, str):
            return get_args(choice)[1]
        if get_origin(choice) in (list, tuple) and isinstance(step, int):
            return get_args(choice)[0]
    return None


def _choices(hint: Any) -> list[Any]:
    """The types that a type may be: the members of a union, without Annotated."""
    if get_origin(hint) is Annotated:
        return _choices(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [inner for member in get_args(hint) for inner in _choices(member)]
    return [hint]


def _settings_in(hint: Any) -> list[type[Settings]]:
    return [choice for choice in _choices(hint) if isinstance(choice, type) and issubclass(choice, Settings)]


def with_base(kind: type[Settings], values: Mapping[str, Any], /, *, base: Path) -> dict[str, Any]:
    """The same plain values, unchecked, with relative paths (of fields of type Path, at any depth) starting at `base`."""
    fields = kind.model_fields
    return {
        key: _based(
            Annotated[(fields[key].annotation, *fields[key].metadata)] if fields[key].metadata else fields[key].annotation, value, base
        )
        if key in fields
        else value
        for key, value in values.items()
    }


def _based(hint: Any, value: Any, base: Path) -> Any:
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        part = next((mark for mark in marks if isinstance(mark, OneOf)), None)
        if part is None or not isinstance(value, Mapping) or part.key not in value:
            return _based(inner, value, base)
        try:
            return with_base(part.settings_of(str(value[part.key])), value, base=base)
        except InputError:
            return value  # reading it says what is wrong
    if hint is Path:
        return str(base / value) if isinstance(value, str) and "://" not in value else value  # an address starts nowhere
    if get_origin(hint) in (Union, UnionType):
        return next((found for member in get_args(hint) if (found := _based(member, value, base)) != value), value)
    if isinstance(value, list) and get_origin(hint) in (list, tuple):
        return [_based(get_args(hint)[0], member, base) for member in value]
    if isinstance(value, Mapping):
        if get_origin(hint) is dict:
            return {key: _based(get_args(hint)[1], member, base) for key, member in value.items()}
        for choice in _settings_in(hint):
            return with_base(choice, value, base=base)
    return value


@cache
def of_function(function: Callable[..., Any], /, *, without: Collection[str] = ()) -> type[Settings]:
    """The settings that a function's keyword-only parameters describe; the signature is their one owner.

    Parameters
    ----------
    function
        Whatever takes its settings by keyword, with types: `evaluate(profiles, /, *, draws: int = 1000)`.
    without
        Parameters that are no settings.

    """
    hints = get_type_hints(function, include_extras=True)
    fields = {
        name: (hints[name], ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in without
    }
    made: type[Settings] = create_model(f"{function.__module__}.{function.__qualname__}", __base__=Settings, **fields)  # type: ignore[call-overload]
    return made
