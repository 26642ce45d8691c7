"""One row a cell, from tables with one row an object: joined by parent links, never by position and never by equal numbers.

The unit (`Cells`) is tied to other objects by `Parent_X` columns, in either direction and over several steps. An object that is there at
most once a cell is joined. Of one that may be there several times, or of which there is none at all, only the count stays. What is not
related to the unit is left out. A cell without a partner has no values of it, and is an orphan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto import schema
from impasto.schema import InputError

Keys = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
NONE = -1
"""No partner, no row."""
_SHIFT = 32
PARENT = "Parent_"


@dataclass(frozen=True)
class Numbers:
    """The numbers of one kind of object, one row an object, in the order of its table.

    Attributes
    ----------
    keys
        (n,) image and number as one, see `key`.
    parents
        Other kind of object -> (n,) the key of its parent, `NONE` where it has none.

    """

    keys: Keys
    parents: Mapping[str, Keys]


@dataclass(frozen=True)
class Link:
    """How one kind of object is tied to the unit.

    Attributes
    ----------
    name
        The kind of object.
    through
        A kind that is tied already.
    is_parent
        Whether `through` names its parent of this kind; else this kind names its parent of `through`.

    """

    name: str
    through: str
    is_parent: bool


@dataclass(frozen=True)
class Joined:
    """What belongs to each unit.

    Attributes
    ----------
    rows
        Kind of object -> (units,) the row of its table, `NONE` where there is none. The unit itself is among them.
    counts
        Kind of object that may be there several times -> (units,) how many there are.
    unrelated
        Kinds of objects without a link.
    without_unit
        Kind of object -> how many of its rows belong to no unit.

    """

    rows: Mapping[str, Rows]
    counts: Mapping[str, Rows]
    unrelated: Sequence[str]
    without_unit: Mapping[str, int]

    @property
    def orphans(self) -> npt.NDArray[np.bool_]:
        """(units,) which of them lack a partner."""
        missing = np.zeros(len(next(iter(self.rows.values()))), dtype=bool)
        for rows in self.rows.values():
            missing |= rows == NONE
        return missing


def key(image: npt.NDArray[np.integer], number: npt.NDArray[np.floating], /) -> Keys:
    """Image and number of an object as one number.

    Parameters
    ----------
    image
        (n,) the row of its image; below 0 for an image that is not known.
    number
        (n,) its number, from 1; 0, below 0 and NaN mean none.

    Returns
    -------
    Keys
        (n,) `NONE` where image or number is missing.

    """
    there = (number > 0) & (image >= 0)
    whole = np.where(there, number, 0).astype(np.int64)
    return np.where(there, (image.astype(np.int64) << _SHIFT) | whole, NONE)


def number_of(keys: Keys, /) -> Keys:
    """The numbers of objects.

    Parameters
    ----------
    keys
        (n,) as `key` gives them.

    Returns
    -------
    Keys
        (n,) `NONE` stays.

    """
    return np.where(keys == NONE, NONE, keys & ((1 << _SHIFT) - 1))


def image_of(keys: Keys, /) -> Keys:
    """The images of objects.

    Parameters
    ----------
    keys
        (n,) as `key` gives them.

    Returns
    -------
    Keys
        (n,) `NONE` stays.

    """
    return np.where(keys == NONE, NONE, keys >> _SHIFT)


def parents_of(columns: Mapping[str, Collection[str]], /) -> dict[str, list[str]]:
    """The kinds of parents that each kind of object names.

    Parameters
    ----------
    columns
        Kind of object -> its columns, without the kind in front.

    Returns
    -------
    dict[str, list[str]]
        Kind of object -> other kinds, by `Parent_X` alone.

    """
    return {kind: [other for other in columns if PARENT + other in own] for kind, own in columns.items()}


def relate(parents: Mapping[str, Sequence[str]], /, *, unit: str, where: str) -> list[Link]:
    """How each kind of object is tied to the unit, by the names of columns alone. The nearest link wins.

    Parameters
    ----------
    parents
        Kind of object -> the kinds of its parents.
    unit
        The kind that has one row a cell.
    where
        The tables, for error sentences.

    Returns
    -------
    list[Link]
        In an order in which each goes through kinds that stand before it.

    Raises
    ------
    InputError
        There is no such unit, or nothing is tied to it although there are other objects.

    """
    if unit not in parents:
        raise InputError(
            f"{where}: there is no table of {unit!r}{schema.nearest(unit, parents)}; there are {schema.listed(sorted(parents))}: choose "
            "one with --unit"
        )
    tied, links = [unit], list[Link]()
    for through in tied:  # grows while it is walked: the kinds nearest to the unit come first
        for name in parents:
            if name in tied:
                continue
            if name in parents[through]:
                links.append(Link(name, through, is_parent=True))
                tied.append(name)
            elif through in parents[name]:
                links.append(Link(name, through, is_parent=False))
                tied.append(name)
    if len(parents) > 1 and not links:
        raise InputError(
            f"{where}: no column {PARENT}... ties {unit} to {schema.listed(sorted(set(parents) - {unit}))}, and objects are never joined "
            "by their numbers; export the parents (RelateObjects, IdentifySecondaryObjects), or give a folder with one of them"
        )
    return links


def join(objects: Mapping[str, Numbers], links: Sequence[Link], /, *, unit: str, where: str) -> Joined:
    """Join every kind of object to the unit.

    Parameters
    ----------
    objects
        Kind of object -> its numbers.
    links
        As `relate` gives them.
    unit
        The kind that has one row a cell.
    where
        The tables, for error sentences.

    Returns
    -------
    Joined
        The partners of each unit, in the order of the unit's table.

    Raises
    ------
    InputError
        An object is there twice.

    """
    for name, numbers in objects.items():
        _refuse_twice(numbers.keys, name, where)
    rows: dict[str, Rows] = {unit: np.arange(len(objects[unit].keys))}
    counts: dict[str, Rows] = {}
    without_unit: dict[str, int] = {}
    for link in links:
        if link.through not in rows:  # only the count of that kind stays, so nothing can be tied through it
            continue
        own, through = objects[link.name], objects[link.through]
        if link.is_parent:
            wanted = _taken(through.parents[link.name], rows[link.through])
            rows[link.name] = _lookup(own.keys, wanted)
        else:
            wanted = _taken(through.keys, rows[link.through])
            named = own.parents[link.through]
            count = _count(named, wanted)
            if not len(named) or count.max(initial=0) > 1 or _are_several(named):  # of none nothing is known but that
                counts[link.name] = count
                without_unit[link.name] = int((~np.isin(named, wanted[wanted != NONE])).sum())
                continue
            rows[link.name] = _lookup(named, wanted)
        partners = rows[link.name]
        without_unit[link.name] = len(own.keys) - len(np.unique(partners[partners != NONE]))
    unrelated = [name for name in objects if name not in rows and name not in counts]
    return Joined(rows, counts, unrelated, without_unit)


def _refuse_twice(keys: Keys, name: str, where: str) -> None:
    ordered = np.sort(keys[keys != NONE])
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(twice):
        raise InputError(
            f"{where}: {name} holds {len(twice)} objects twice (first: object {ordered[twice[0]] & ((1 << _SHIFT) - 1)} of one image); "
            "give each run of CellProfiler its own folder or file"
        )


def _are_several(named: Keys) -> bool:
    """Whether two objects name one parent: then a kind is there several times, even where no unit of this table shows it."""
    ordered = np.sort(named[named != NONE])
    return bool((ordered[1:] == ordered[:-1]).any())


def _taken(values: Keys, rows: Rows) -> Keys:
    if not len(values):
        return np.full(len(rows), NONE, dtype=np.int64)
    return np.where(rows == NONE, NONE, values[np.maximum(rows, 0)])


def _lookup(keys: Keys, wanted: Keys) -> Rows:
    """The row of each wanted key; `NONE` where it is missing."""
    if not len(keys):
        return np.full(len(wanted), NONE, dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    place = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    return np.where((wanted != NONE) & (keys[place] == wanted), place, NONE)


def _count(named: Keys, wanted: Keys) -> Rows:
    """How many objects name each wanted key."""
    ordered = np.sort(named)
    counted = np.searchsorted(ordered, wanted, side="right") - np.searchsorted(ordered, wanted, side="left")
    return np.where(wanted == NONE, 0, counted).astype(np.int64)
