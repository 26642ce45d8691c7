"""What is wrong in settings, in one sentence: the place, the key or value, what is allowed, the nearest spelling."""

from __future__ import annotations

import re
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from impasto.schema import InputError, nearest


class WrongSetting(InputError):
    """What is wrong in settings.

    Parameters
    ----------
    place
        Where, inside the settings: `"steps.2 (sphering)"`; `""` for the settings themselves.
    sentence
        What is wrong there.

    """

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(f"{place}: {sentence}" if place else sentence)
        self.place, self.sentence = place, sentence


def wrong_setting(kind: type[BaseModel], error: ValidationError, /) -> WrongSetting:
    """The first thing that is wrong.

    Parameters
    ----------
    kind
        The settings that were read.
    error
        What pydantic says of them. A misspelt key is both unknown and missing there; the unknown one is the better news.

    Returns
    -------
    WrongSetting
        Its place and sentence.

    """
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


def _walk(kind: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, type[BaseModel] | None]:
    """A place in words (`steps.2`, counted from 1), and the settings that stand there; pydantic's names of union members are left out."""
    names: list[str] = []
    hint: Any = kind
    for step in path:
        hint = _inside(hint, step)
        if hint is None:
            break
        names.append(str(step + 1) if isinstance(step, int) else step)
    return ".".join(names), next(iter(models_in(hint)), None)


def _inside(hint: Any, step: int | str) -> Any:
    """The type of a member of a value of type `hint`; None where it has no such member."""
    for choice in choices(hint):
        if isinstance(choice, type) and issubclass(choice, BaseModel) and step in choice.model_fields:
            return choice.model_fields[str(step)].annotation
        if get_origin(choice) is dict and isinstance(step, str):
            return get_args(choice)[1]
        if get_origin(choice) in (list, tuple) and isinstance(step, int):
            return get_args(choice)[0]
    return None


def choices(hint: Any, /) -> list[Any]:
    """The types that a value may have.

    Parameters
    ----------
    hint
        The type of a field.

    Returns
    -------
    list
        The members of a union, or the type alone; without `Annotated`.

    """
    if get_origin(hint) is Annotated:
        return choices(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [inner for member in get_args(hint) for inner in choices(member)]
    return [hint]


def models_in(hint: Any, /) -> list[type[BaseModel]]:
    """The settings among the types that a value may have.

    Parameters
    ----------
    hint
        The type of a field.

    Returns
    -------
    list[type]
        Classes of settings.

    """
    return [choice for choice in choices(hint) if isinstance(choice, type) and issubclass(choice, BaseModel)]
