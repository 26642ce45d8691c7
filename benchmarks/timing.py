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
    """Both, by turns in one process, so that a busy machine disturbs them alike; ours three times as often, as it is short.

    The ratio of processor time stands in the notes: it does not see how long a process had to wait for a processor.
    """
    mine, other = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(times):
            mine += [both_clocks(ours) for _ in range(2)]
            other.append(both_clocks(theirs))
            mine.append(both_clocks(ours))
    (wall, cpu), (their_wall, their_cpu) = (tuple(map(min, zip(*runs, strict=True))) for runs in (mine, other))
    told = ", ".join(filter(None, [f"{their_cpu / cpu:.1f} in processor time", f"{peak_megabytes(ours):.0f} MB", note]))
    return Row(what, wall, their_wall, peer, told, aim)


def both_clocks(work: Callable[[], object]) -> tuple[float, float]:
    """Wall seconds and processor seconds of one run."""
    start = time.process_time()
    return seconds(work), time.process_time() - start


def peak_megabytes(work: Callable[[], object]) -> float:
    """Peak of what Python and NumPy allocate during one call (what was there before is not counted)."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20
