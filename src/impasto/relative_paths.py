"""Relative paths in plain settings, which start at the folder of the file that says them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from impasto.parts import OneOf, SettingsOf
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.wrong_settings import models_in


def with_base(kind: type[Settings], values: Mapping[str, Any], /, *, base: Path) -> dict[str, Any]:
    """Plain values whose relative paths start at a folder.

    Parameters
    ----------
    kind
        The settings that the values are for; its fields of type Path, at any depth, are resolved.
    values
        Key -> value, plain and unchecked.
    base
        The folder.

    Returns
    -------
    dict
        The same values, still unchecked, with the keys that they imply. Addresses (`s3://`) stay as they are.

    """
    whole = kind.with_implied(values)
    return {key: _field(kind, key, whole, base) if key in kind.model_fields else value for key, value in whole.items()}


def _field(kind: type[Settings], key: str, values: Mapping[str, Any], base: Path) -> Any:
    field = kind.model_fields[key]
    for mark in field.metadata:
        if isinstance(mark, OneOf):
            return _of_part(mark, values[key], values[key], base)
        if isinstance(mark, SettingsOf):
            return _of_part(mark, values, values[key], base)
    return _resolved(field.annotation, values[key], base)


def _of_part(mark: OneOf | SettingsOf, names: Any, value: Any, base: Path) -> Any:
    """The settings `value` of the part that the table `names` names."""
    if not isinstance(value, Mapping) or mark.key not in names:
        return value  # reading it says what is wrong
    try:
        return with_base(mark.settings_of(str(names[mark.key])), value, base=base)
    except InputError:
        return value


def _resolved(hint: Any, value: Any, base: Path) -> Any:
    """A value of this type with its paths resolved."""
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        mark = next((mark for mark in marks if isinstance(mark, OneOf)), None)
        return _resolved(inner, value, base) if mark is None else _of_part(mark, value, value, base)
    if hint is Path:
        return str(base / value) if isinstance(value, str) and "://" not in value else value  # an address starts nowhere
    if get_origin(hint) in (Union, UnionType):
        attempts = (_resolved(member, value, base) for member in get_args(hint))
        return next((attempt for attempt in attempts if attempt != value), value)
    if isinstance(value, list) and get_origin(hint) in (list, tuple):
        return [_resolved(get_args(hint)[0], member, base) for member in value]
    if isinstance(value, Mapping):
        if get_origin(hint) is dict:
            return {key: _resolved(get_args(hint)[1], member, base) for key, member in value.items()}
        for choice in models_in(hint):
            if issubclass(choice, Settings):
                return with_base(choice, value, base=base)
    return value
