"""Time and peak memory of a call, the best of several; a row of the table."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    what: str
    ours: float
    theirs: float | None
    peer: str
    note: str = ""


def best_of(work: Callable[[], object], *, times: int = 3) -> float:
    """Seconds of the fastest of several runs: the one the machine disturbed least."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def peak_megabytes(work: Callable[[], object]) -> float:
    """Peak of what Python and NumPy allocate during one call (what was there before is not counted)."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20
