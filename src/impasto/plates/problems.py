"""What keeps images or tables from being ingested, and the options that solve it: said once by ingest, all of them by its dry run."""

from __future__ import annotations

from dataclasses import dataclass

from impasto.schema import InputError


@dataclass(frozen=True)
class Problem:
    """One sentence, and the words to add to the same command that solve it (none where the files must change)."""

    sentence: str
    options: tuple[str, ...] = ()


def refuse(problems: tuple[Problem, ...] | list[Problem], /) -> None:
    """Raise InputError with the first problem, where there is one."""
    if problems:
        raise InputError(problems[0].sentence)
