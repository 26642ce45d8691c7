"""What is learned of a group a few features at a time, from values in memory or from files of columns alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from impasto import wells
from impasto.correction.base import Floats

L = TypeVar("L")


def learned(
    learn: Callable[[Floats, Floats], L],
    few: Iterable[Floats],
    references: wells.Flags,
    width: int,
    room: Callable[[tuple[int, ...], Any], Any],
    /,
) -> L:
    """Learn what is a group's own, a few features at a time.

    Parameters
    ----------
    learn
        Takes some features of the rows of a group, and of those that a statistic is taken over. Gives what is learned of them: a record of
        arrays whose first axis are the features.
    few
        (n, 8 or fewer) the rows of the group, of one few features after the other.
    references
        (n,) True for the rows that a statistic is taken over.
    width
        How many features there are.
    room
        Called with a shape and a type, gives an array for what is learned of all features.

    Returns
    -------
    L
        What `learn` gives of all features.

    """
    whole: dict[str, Any] = {}
    at = 0
    part: L | None = None
    for values in few:
        part = learn(values, values[references])
        for name, array in vars(part).items():
            if name not in whole:
                whole[name] = room((width, *array.shape[1:]), array.dtype)
            whole[name][at : at + values.shape[1]] = array
        at += values.shape[1]
    assert part is not None
    return type(part)(**whole)
