"""Time and peak memory of a call, the best of several; a row of the table."""

from __future__ import annotations

import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    what: str
    ours: float
    theirs: float | None
    peer: str
    note: str = ""
    aim: float | None = None
    """How many times faster it is meant to be."""


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best_of(work: Callable[[], object], *, times: int = 3) -> float:
    """Seconds of the fastest of several runs: the one the machine disturbed least."""
    return min(seconds(work) for _ in range(times))


def beside(
    what: str, ours: Callable[[], object], theirs: Callable[[], object], *, peer: str, aim: float, times: int = 3, note: str = ""
) -> Row:
    """Both, by turns in one process, so that a busy machine disturbs them alike; ours three times as often, as it is short."""
    mine, other = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(times):
            mine += [seconds(ours) for _ in range(2)]
            other.append(seconds(theirs))
            mine.append(seconds(ours))
    told = ", ".join(filter(None, [f"{peak_megabytes(ours):.0f} MB", note]))
    return Row(what, min(mine), min(other), peer, told, aim)


def peak_megabytes(work: Callable[[], object]) -> float:
    """Peak of what Python and NumPy allocate during one call (what was there before is not counted)."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20
