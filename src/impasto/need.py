"""What a stage will take of this machine, known before anything is written. It is refused where the machine has less.

An estimate lies within half and twice of what is then measured (docs/reliability.md). It counts all processes of the stage, with their
libraries. Time is no reason to refuse: it is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from impasto import machine
from impasto.failures import Unfinished

FORCE: ContextVar[bool] = ContextVar("force", default=False)
"""Whether work begins although more is needed than is free (`--force`)."""
_GB = 1e9
_LEAST = _GB / 10


@dataclass(frozen=True)
class Need:
    """Memory, disk and time of a stage.

    Attributes
    ----------
    memory
        Bytes that its processes hold at the same time, at most.
    disk
        Bytes that it writes where its result goes, what it keeps meanwhile included.
    helps
        What takes less memory, as a user does it: `"give a folder of plates"`.
    room
        What takes less disk, or gives more.
    what
        What needs it, as the sentence begins.
    seconds
        Of one core of this machine; None where that is not known.

    """

    memory: int
    disk: int
    helps: str
    room: str = "make room, give another --out"
    what: str = "this"
    seconds: float | None = None

    @classmethod
    def of_rows(cls, held: int, /, *, what: str) -> Need:
        """Of rows of a folder of plates that are held together: what is done with them takes as much again.

        Parameters
        ----------
        held
            Bytes of the rows.
        what
            What holds them, as the sentence begins.

        Returns
        -------
        Need
            Twice as many bytes, and no disk.

        """
        return cls(2 * held, 0, "take it plate by plate (for plate in im.open(...)), select features", what=what)

    @classmethod
    def of_all(cls, needs: Iterable[Need | None], /) -> Need:
        """Of stages that run one after the other.

        Parameters
        ----------
        needs
            The estimate of each; None where there is none.

        Returns
        -------
        Need
            The most memory of one, the disk and time of all that are known.

        """
        known = [need for need in needs if need is not None]
        memory = max((need.memory for need in known), default=0)
        times = [need.seconds for need in known if need.seconds is not None]
        return cls(memory, sum(need.disk for need in known), "", seconds=sum(times) if times else None)

    def sentence(self) -> str:
        """The estimate in a few words.

        Returns
        -------
        str
            `"1.4 GB of memory, 0.2 GB of disk, 4 minutes of one core"`; disk and time where they are known.

        """
        parts = [f"{_said(self.memory)} of memory"] + ([f"{_said(self.disk)} of disk"] if self.disk else [])
        return ", ".join([*parts, *([f"{duration(self.seconds)} of one core"] if self.seconds is not None else [])])

    def about(self) -> str:
        """The same inside of a sentence.

        Returns
        -------
        str
            `"about 1.4 GB of memory, ..."`, or `"under 0.1 GB of memory, ..."`.

        """
        return _about(self.sentence())


def refuse(need: Need | None, out: Path, /) -> None:
    """Refuse what this machine has too little memory or disk for. A process counts what it holds already as free.

    Parameters
    ----------
    need
        The estimate; None where there is none.
    out
        Where the result goes.

    Raises
    ------
    Unfinished
        More is needed than is free, and `FORCE` is not set.

    """
    if need is None or FORCE.get():
        return
    free = machine.free_memory()
    held = machine.held_memory() or 0
    if free is not None and need.memory > free + held:
        raise Unfinished(
            f"{out}: {need.what} needs {_about(_said(need.memory))} of memory, and {_said(free + held)} are free: {need.helps}, "
            "close other programs, or try all the same with --force"
        )
    disk = machine.free_disk(out.parent)
    if need.disk > disk:
        raise Unfinished(
            f"{out}: {need.what} needs {_about(_said(need.disk))} of disk, and {_said(disk)} are free: {need.room}, or try "
            "all the same with --force"
        )


def duration(seconds: float, /) -> str:
    """A time as people say it; an estimate knows no more than one or two digits.

    Parameters
    ----------
    seconds
        How long.

    Returns
    -------
    str
        `"under a minute"`, `"4 minutes"`, `"3 hours"`.

    """
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 90:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{round(seconds / 3600)} hours"


def announced(need: Need | None, /) -> list[str]:
    """What a dry run says of an estimate.

    Parameters
    ----------
    need
        The estimate; None where there is none.

    Returns
    -------
    list[str]
        One sentence, or none.

    """
    return [] if need is None else [f"this takes {need.about()}"]


def _about(said: str) -> str:
    return said if said.startswith("under") else f"about {said}"


def _said(count: int) -> str:
    if count < _LEAST:
        return f"under {_LEAST / _GB:.1f} GB"
    return f"{count / _GB:.1f} GB" if count < 10 * _GB else f"{count / _GB:.0f} GB"
