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
        self._added: dict[str, P] = {}

    def names(self) -> tuple[str, ...]:
        """All names of the family.

        Returns
        -------
        tuple[str, ...]
            Sorted: the package's own, those of installed plugins, and those that `add` gave in this process.

        """
        return tuple(sorted({*self._own, *self._plugins(), *self._added}))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._added or name in self._plugins()

    def __getitem__(self, name: str) -> P:
        """The part of that name. Raises InputError, with the names that are allowed, where there is none."""
        one_of(name, self.names(), what=self.what)
        if name in self._added:
            return self._added[name]
        return self._own_part(name) if name in self._own else self._plugin(name)

    def add(self, name: str, part: P, /) -> P:
        """Give an object of Python a name in this process: in settings, recipes and error sentences it is then like any other.

        Parameters
        ----------
        name
            Its name. The same name may be given again, to a newer object of a notebook.
        part
            The class, function or object.

        Returns
        -------
        P
            The part.

        Raises
        ------
        InputError
            Where a part of the package or of a plugin has the name.

        """
        if name in self._own or name in self._plugins():
            raise InputError(f"there is a {self.what} {name!r} already; give yours another name")
        self._added[name] = part
        return part

    def resolve(self, part: str | P, /) -> P:
        """The part itself.

        Parameters
        ----------
        part
            A name, or an object that does as well as one.

        Returns
        -------
        P
            What the name stands for, or the object.

        Raises
        ------
        InputError
            Where there is no part of that name.

        """
        return self[part] if isinstance(part, str) else part

    def _own_part(self, name: str) -> P:
        part: P = load(self._own[name])
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


def load(place: str, /) -> Any:
    """An object of this package.

    Parameters
    ----------
    place
        `module:object`.

    Returns
    -------
    Any
        The object. Its module is imported.

    """
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def named_in(family: Family[Any], /, *also: str) -> AfterValidator:
    """The mark of a field that holds the name of a part. It stands in `Annotated[str, ...]`.

    Parameters
    ----------
    family
        Where the name is looked up, when the field is read.
    also
        Words that are no part of it and may be said, such as `auto`.

    Returns
    -------
    AfterValidator
        It refuses every name that is not in the family.

    """
    return AfterValidator(lambda name: one_of(name, (*also, *family.names()), what=family.what))
