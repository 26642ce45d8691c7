"""The command line, made from Settings: every field is an option or an argument with its type, its default and its help.

```python
class Flags(options.Printing):
    out: Path = Field(description="The folder of the index.")

def run(values: dict[str, Any], flags: Flags) -> None: ...

command = options.command("index", IndexSettings, Flags, run=run, example="impasto index embeddings.parquet --out index")
```

The first class is what the verb works on (and what a recipe's stage says); of it only what was typed reaches `run`, as plain values. The
second is of the terminal only, and reaches `run` checked. Where help lists the names of a family, they come from its table.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import typer
from pydantic import Field
from pydantic.fields import FieldInfo

from impasto import progress
from impasto.schema import InputError
from impasto.settings import Settings, Shown

F = TypeVar("F", bound=Settings)
_OF_THE_SHELL = (str, int, float, bool, Path)


class Printing(Settings):
    """The option of every verb that prints."""

    as_json: Annotated[bool, Shown(name="json")] = Field(default=False, description="Print JSON instead of tables and sentences.")


def command(
    name: str,
    settings: type[Settings],
    flags: type[F],
    /,
    *,
    run: Callable[[dict[str, Any], F], None],
    about: str,
    example: str,
    names: Mapping[str, Iterable[str]] | None = None,
    from_recipe: bool = False,
) -> Callable[..., None]:
    """The function that typer turns into `impasto NAME`.

    Parameters
    ----------
    name
        The verb.
    settings, flags
        What the verb works on, and what is of the terminal only.
    run
        `run(values, flags)`: the values that were typed for `settings` (plain, unchecked), and the checked `flags`. It prints, and raises
        InputError where the input is bad.
    about
        What the verb does, for `--help`.
    example
        A command that runs, and stands in `--help`.
    names
        Field -> the family (or table) whose names its help lists.
    from_recipe
        A recipe says what `settings` requires, so none of its options is required here.

    Returns
    -------
    Callable
        A function whose signature holds one parameter an option or argument.

    """

    def function(**typed: Any) -> None:
        typed = {key: value for key, value in typed.items() if value is not None and value != []}
        chosen = flags.read({key: typed.pop(key) for key in list(typed) if key in flags.model_fields}, where=f"impasto {name}")
        with progress.silent(getattr(chosen, "as_json", False)):
            run({key: _split(settings.model_fields[key], value) for key, value in typed.items()}, chosen)

    families = names or {}
    shown = [
        parameter
        for kind in (settings, flags)
        for key, field in kind.model_fields.items()
        if (parameter := _parameter(key, field, families.get(key), required=field.is_required() and not (from_recipe and kind is settings)))
    ]
    # Arguments stand first, in their order; then what is required.
    shown.sort(
        key=lambda p: (not isinstance(get_args(p.annotation)[1], typer.models.ArgumentInfo), p.default is not inspect.Parameter.empty)
    )
    function.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    function.__doc__ = f"{inspect.cleandoc(about)}\n\nExample: `{example}`"
    function.__name__ = name
    return function


def shown_as(field: FieldInfo) -> Shown:
    """How a field stands on the command line.

    Parameters
    ----------
    field
        A field of settings.

    Returns
    -------
    Shown
        Its mark; the defaults of `Shown` where it has none.

    """
    return next((mark for mark in field.metadata if isinstance(mark, Shown)), Shown())


def _parameter(key: str, field: FieldInfo, family: Iterable[str] | None, *, required: bool) -> inspect.Parameter | None:
    """One parameter of the typer function; None for a field that a shell cannot write (a table) or that is of recipes only."""
    mark, (kind, several) = shown_as(field), _kind(field.annotation)
    if mark.place == "nowhere" or kind is None:
        return None
    choices = [str(choice) for choice in get_args(kind)] if get_origin(kind) is Literal else []
    several = several and not mark.separator
    annotation: Any = kind if kind in _OF_THE_SHELL and not mark.separator else str
    annotation = list[annotation] if several else annotation
    help_ = field.description or ""
    if family is not None:
        help_ = f"{help_} One of {', '.join(sorted(family))}.".strip()
    said: dict[str, Any] = {"help": help_, "metavar": mark.metavar or ("|".join(choices) if choices else None)}
    if choices:
        said["autocompletion"] = lambda incomplete: [c for c in choices if c.startswith(incomplete)]
    elif family is not None:
        said["autocompletion"] = lambda incomplete: [n for n in sorted(family) if n.startswith(incomplete)]
    if mark.place == "argument":
        info: Any = typer.Argument(**said)
    else:
        word = f"--{(mark.name or key).replace('_', '-')}"
        on_and_off = f"{word}/--no-{word[2:]}" if kind is bool and field.default is True else word
        default = field.get_default(call_default_factory=True) if not field.is_required() else None
        if default is not None and not isinstance(default, bool) and default not in ([], ""):
            said["help"] = f"{help_} (default: {', '.join(map(str, default)) if isinstance(default, list | tuple) else default})".strip()
        second = [f"--{mark.also.replace('_', '-')}"] if mark.also else []
        info = typer.Option(on_and_off, *second, show_default=False, **said)
    return inspect.Parameter(
        key,
        inspect.Parameter.KEYWORD_ONLY,
        # What was not typed stays None, so that it never overrides what `--set` or a recipe says.
        default=inspect.Parameter.empty if required else None,
        annotation=Annotated[annotation if required else annotation | None, info],
    )


def _kind(hint: Any) -> tuple[Any, bool]:
    """What a shell can write for a field: a plain type or a Literal, and whether several of them; None for a table."""
    if get_origin(hint) in (Union, UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        if _number_or_word(hint):
            return str, False
        return _kind(members[0]) if len(members) == 1 else (None, False)
    if get_origin(hint) is list:
        kind, several = _kind(get_args(hint)[0])
        return (None, False) if several else (kind, True)
    if get_origin(hint) is Annotated:
        return _kind(get_args(hint)[0])
    return (hint, False) if hint in _OF_THE_SHELL or get_origin(hint) is Literal else (None, False)


def _number_or_word(hint: Any) -> bool:
    """Whether a field holds a number or one of some words (`0.5`, `auto`)."""
    kinds = [_kind(member)[0] for member in get_args(hint)] if get_origin(hint) in (Union, UnionType) else []
    return len(kinds) == 2 and float in kinds and any(get_origin(kind) is Literal for kind in kinds)


def _split(field: FieldInfo, value: Any) -> Any:
    """The values of a word that holds several, a number where a word could stand too, and paths as they are written."""
    if _number_or_word(field.annotation) and re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", value, re.IGNORECASE):
        return float(value)
    separator = shown_as(field).separator
    if separator:
        return [part.strip() for part in value.split(separator) if part.strip()]
    return value


def parse_set(pairs: list[str]) -> dict[str, Any]:
    """`["columns.well=Well", "k=25"]` -> `{"columns": {"well": "Well"}, "k": 25}`: the values of `--set key=value`.

    A value that is JSON (number, true, list) is read as such, anything else as a string.

    Parameters
    ----------
    pairs
        Words of the command line.

    Returns
    -------
    dict
        Key -> value, nested where a key has dots. A value that is JSON (number, true, list) is read as such, anything else as text.

    Raises
    ------
    InputError
        Where a word is no pair, or a key is both a value and a table.

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
                raise InputError(f"--set {pair!r}: {parent!r} has a value already")
        try:
            table[last] = json.loads(text)
        except json.JSONDecodeError:
            table[last] = text
    return values
