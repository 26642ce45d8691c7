"""How many threads a sum is split over: another number rounds otherwise, so a run keeps its number, and takes it up again.

The number is no part of what a result is: scores agree to all digits that mean anything. It is part of its bytes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from impasto import machine

_VARIABLE = "OMP_NUM_THREADS"
_MOST = 4


def chosen() -> int:
    """How many threads a new run takes.

    Returns
    -------
    int
        What OMP_NUM_THREADS says; else the cores of this process, at most four.

    """
    said = os.environ.get(_VARIABLE, "")
    return int(said) if said.isdecimal() and int(said) else min(_MOST, machine.cores())


@contextlib.contextmanager
def limited(count: int, /) -> Iterator[None]:
    """Linear algebra, nets and Parquet on so many threads, in this process and in those that it starts.

    Parameters
    ----------
    count
        How many; 0 changes nothing.

    Yields
    ------
    None
        Under this limit.

    """
    if not count:
        yield
        return
    from threadpoolctl import threadpool_limits

    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(count)  # for libraries that are loaded later, and for other processes
    try:
        with threadpool_limits(count), _of_torch(count), _of_arrow(count):
            yield
    finally:
        os.environ.pop(_VARIABLE)
        if before is not None:
            os.environ[_VARIABLE] = before


@contextlib.contextmanager
def _of_torch(count: int) -> Iterator[None]:
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _of_arrow(count: int) -> Iterator[None]:
    arrow = sys.modules.get("pyarrow")
    if arrow is None:
        yield
        return
    before = arrow.cpu_count()
    arrow.set_cpu_count(count)
    try:
        yield
    finally:
        arrow.set_cpu_count(before)
