"""Strict settings: every verb, part and recipe stage is described by one frozen pydantic model.

Unknown keys and wrong types are refused in one sentence that names the place, what is allowed and the nearest spelling.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from impasto.schema import InputError, nearest


class Settings(BaseModel):
    """The base of all settings: frozen, strict, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @classmethod
    def read(cls, values: Mapping[str, Any], *, where: str) -> Self:
        """Check plain values (from TOML or a command line). `where` names the place in the error sentence."""
        try:
            # JSON mode: strict about kinds, yet a list may become a tuple and a string a path.
            return cls.model_validate_json(json.dumps(values, default=str))
        except ValidationError as error:
            raise InputError(_sentence(error, allowed=list(cls.model_fields), where=where)) from None


def _sentence(error: ValidationError, *, allowed: list[str], where: str) -> str:
    # A misspelt key is both unknown and missing; its own spelling is the better news.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        names = allowed if len(first["loc"]) == 1 else []
        listing = f"; allowed: {', '.join(names)}" if names else ""
        return f"{where}: unknown key {place!r}{nearest(key, names)}{listing}"
    if first["type"] == "missing":
        return f"{where}: the key {place!r} is missing; add it"
    return f"{where}: {place or 'value'} is {first['input']!r}, but {first['msg'][0].lower()}{first['msg'][1:]}"


def parse_set(pairs: list[str]) -> dict[str, Any]:
    """`["columns.well=Well", "k=25"]` -> `{"columns": {"well": "Well"}, "k": 25}`: the values of `--set key=value`.

    A value that is JSON (number, true, list) is read as such, anything else as a string.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise InputError(f"--set {pair!r} is not key=value; write for example --set columns.well=Well")
        *parents, last = key.split(".")
        table = values
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise InputError(f"--set {pair!r}: {parent!r} was given a value already")
        try:
            table[last] = json.loads(text)
        except json.JSONDecodeError:
            table[last] = text
    return values
