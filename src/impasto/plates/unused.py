"""Options of images that would be passed over: each is refused in one sentence, with what it is for."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pandas as pd

from impasto import schema
from impasto.plates import loaddata, patterns, sheet
from impasto.plates.columns import text
from impasto.plates.planes import DEPTH, TIME
from impasto.plates.problems import Problem
from impasto.plates.reader import Asked

_BY_PATHS = {sheet.READER.name, loaddata.READER.name}
"""The readers of tables that name files by their paths."""
_NUMBERED = "{wellnumber}"


@dataclass
class Seen:
    """What the sources turned out to be.

    Attributes
    ----------
    readers
        Names of the readers that took a part of them.
    axes
        Those of depth and time in which their planes differ.
    channels
        As they are written.

    """

    readers: set[str] = field(default_factory=set)
    axes: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)

    def add(self, reader: str, planes: pd.DataFrame, /) -> None:
        """Look at the planes of one reader, before any is chosen.

        Parameters
        ----------
        reader
            Its name.
        planes
            What it gave: a row a plane.

        """
        self.readers.add(reader)
        self.axes |= {axis for axis in (DEPTH, TIME) if (planes[axis] != "").any()}
        self.channels |= set(text(planes[schema.CHANNEL].drop_duplicates()))


def refused(asked: Asked, *, depth: str | None, time: str | None, seen: Seen, where: str) -> list[Problem]:
    """The options that nothing of the sources answers to.

    Parameters
    ----------
    asked, depth, time
        What the user said.
    seen
        What the sources turned out to be.
    where
        The sources, for sentences.

    Returns
    -------
    list[Problem]
        One for each such option.

    """
    problems = [
        Problem(f"{where}: nothing says that its planes differ in {axis}; leave out --{axis}")
        for axis, said in ((DEPTH, depth), (TIME, time))
        if said is not None and axis not in seen.axes
    ]
    if asked.plate_size is not None and not _numbers_wells(seen.readers, asked.pattern):
        problems.append(
            Problem(f"{where}: --plate-size is for wells that are numbered (W1, W2, ...), and these have letters; leave it out")
        )
    if asked.root is not None and not seen.readers & _BY_PATHS:
        problems.append(Problem(f"{where}: --root is for tables that name files by their paths, and this is none; leave it out"))
    if asked.order and not set(asked.order) <= seen.channels:
        problems.append(_named_itself(asked.order, seen.channels, where))
    return problems


def _numbers_wells(readers: Collection[str], pattern: str) -> bool:
    return _NUMBERED in pattern or any(preset.name in readers and _NUMBERED in preset.pattern for preset in patterns.presets())


def _named_itself(order: Sequence[str], channels: Collection[str], where: str) -> Problem:
    first = sorted(channels)[0]
    return Problem(
        f"{where}: --channels {','.join(order)} is for stacks that do not name their channels, and these are named "
        f"{', '.join(map(repr, sorted(channels)))}; say what each is: --channel {shlex.quote(f'{first}=STAIN')}"
    )
