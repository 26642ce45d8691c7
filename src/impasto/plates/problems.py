"""What keeps images or tables from being ingested, and the options that solve it: said once by ingest, all of them by its dry run."""

from __future__ import annotations

from dataclasses import dataclass

from impasto.schema import InputError


@dataclass(frozen=True)
class Problem:
    """What keeps images or tables from being ingested.

    Attributes
    ----------
    sentence
        What is wrong, and what helps.
    options
        The words to add to the same command; none where the files must change.

    """

    sentence: str
    options: tuple[str, ...] = ()


def refuse(problems: tuple[Problem, ...] | list[Problem], /) -> None:
    """Refuse the first problem, where there is one.

    Parameters
    ----------
    problems
        In their order.

    Raises
    ------
    InputError
        With the sentence of the first problem.

    """
    if problems:
        raise InputError(problems[0].sentence)
