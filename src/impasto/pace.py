"""How fast this machine is, by a small piece of work: estimates of time were measured on one machine and are read on another."""

from __future__ import annotations

import functools
import time

_REFERENCE = 0.0072
"""Seconds of processor time that `_work` takes on the machine on which the estimates were measured."""
_TRIES = 3


@functools.cache
def slowness() -> float:
    """How many times longer work takes here than on the machine of the estimates; measured once a process, in a twentieth of a second.

    Returns
    -------
    float
        2 for a machine half as fast. Processor time is compared, so what else runs here counts little.

    """
    return min(_seconds() for _ in range(_TRIES)) / _REFERENCE


def _seconds() -> float:
    before = time.thread_time()
    _work()
    return time.thread_time() - before


def _work() -> float:
    """Sorting, sums of products and plain Python, on one thread."""
    import numpy as np

    values = np.sin(np.arange(50_000, dtype=np.float64))
    total = float(np.sort(values)[::7].sum())
    table = values[:40_000].reshape(200, 200)
    total += float(np.einsum("ij,jk->k", table, table, optimize=False).sum())
    return total + sum(number * number % 7 for number in range(20_000))
