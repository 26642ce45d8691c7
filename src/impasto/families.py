"""Families: how a part (an encoder, a corrector, a task, a reader ...) gets its name, from inside and from outside.

Each family is one table `name -> "module:object"` in its package's `__init__`, merged with the entry points of the group
`impasto.<family>` that other installed packages declare. An object given in Python does as well as a name. Nothing is imported
until it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from pydantic import AfterValidator

from impasto.schema import InputError, one_of

P = TypeVar("P")


class Family(Generic[P]):
    """The parts of one kind, by name.

    Parameters
    ----------
    family
        The name of the family, as in the entry-point group `impasto.<family>`: `"correctors"`.
    what
        What one part is called in a sentence: `"correction method"`.
    parts
        The parts that come with the package: name -> `"module:object"`.

    Examples
    --------
    >>> losses = Family("losses", what="loss", parts={"clip": "impasto.losses.clip:Clip"})
    >>> losses["clip"].__name__
    'Clip'

    """

    def __init__(self, family: str, /, *, what: str, parts: Mapping[str, str]) -> None:
        self.group = f"impasto.{family}"
        self.what = what
        self._own = dict(parts)
        self._outside: dict[str, EntryPoint] | None = None

    def names(self) -> tuple[str, ...]:
        """All names of the family, sorted: the package's own and those of installed plugins."""
        return tuple(sorted({*self._own, *self._plugins()}))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._plugins()

    def __getitem__(self, name: str) -> P:
        """The part of that name. Raises InputError, with the names that are allowed, where there is none."""
        one_of(name, self.names(), what=self.what)
        return self._own_part(name) if name in self._own else self._plugin(name)

    def resolve(self, part: str | P, /) -> P:
        """The part itself: looked up where a name is given, as it is where an object is given."""
        return self[part] if isinstance(part, str) else part

    def _own_part(self, name: str) -> P:
        module, _, attribute = self._own[name].partition(":")
        part: P = getattr(importlib.import_module(module), attribute)
        return part

    def _plugin(self, name: str) -> P:
        point = self._plugins()[name]
        try:
            part: P = point.load()
        except Exception as error:  # whatever a foreign package raises while it is imported
            raise InputError(
                f"the plugin {point.value!r} for the {self.what} {name!r} cannot be imported ({error}); mend or remove it"
            ) from error
        return part

    def _plugins(self) -> dict[str, Any]:
        if self._outside is None:
            self._outside = {}
            for point in entry_points(group=self.group):
                if point.name in self._own or point.name in self._outside:
                    taken = self._own.get(point.name) or self._outside[point.name].value
                    raise InputError(
                        f"the plugin {point.value!r} registers the {self.what} {point.name!r}, a name that {taken!r} has; "
                        "rename it in the plugin's entry points"
                    )
                self._outside[point.name] = point
        return self._outside


def named_in(family: Family[Any], /) -> AfterValidator:
    """The mark of a field that holds the name of a part; any other name is refused. It stands in `Annotated[str, ...]`."""
    return AfterValidator(lambda name: one_of(name, family.names(), what=family.what))
