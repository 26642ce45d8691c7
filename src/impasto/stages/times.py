"""How long stages take on one core, by the sizes that headers tell. The factors were measured (`benchmarks/needs.py`).

Seconds of processor time, libraries included, times how much slower this machine is than the one that was measured (`pace`). What else runs
here makes a stage longer on the clock.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from impasto import pace
from impasto.profiles.shape import Shape


class Cost(NamedTuple):
    """Seconds at the start, of a row, and of a value.

    Attributes
    ----------
    start
        Of the libraries.
    row, value
        Of each row, and of each value of the table.

    """

    start: float
    row: float
    value: float

    def seconds(self, seen: Shape, /) -> float:
        """Of a table on this machine.

        Parameters
        ----------
        seen
            Rows and features.

        Returns
        -------
        float
            Seconds of one core.

        """
        return pace.slowness() * (self.start + self.row * seen.rows + self.value * seen.rows * seen.width)


_LIGHT = Cost(2.1, 0, 0.8e-6)
_LIGHT_STEPS = frozenset({"standardize", "clip"})
"""One or both of these look at each value a few times. Steps that learn directions were not measured."""
_TASKS = {"hits": Cost(3.5, 0, 0.55e-6)}


def of_correction(steps: Collection[str], seen: Shape, /) -> float | None:
    """Of a correction of one table.

    Parameters
    ----------
    steps
        The names of its methods.
    seen
        Rows and features.

    Returns
    -------
    float or None
        Seconds; None where a step was not measured.

    """
    return _LIGHT.seconds(seen) if steps and _LIGHT_STEPS.issuperset(steps) else None


def of_task(task: str, seen: Shape, /) -> float | None:
    """Of a task on one table.

    Parameters
    ----------
    task
        Its name.
    seen
        Rows and features.

    Returns
    -------
    float or None
        Seconds; None where the task was not measured.

    """
    cost = _TASKS.get(task)
    return None if cost is None else cost.seconds(seen)
