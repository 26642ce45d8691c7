"""What is drawn where a table is too large for all of it: how many, by which rule, how a row of scores says so, and what all would cost.

A table below these sizes is scored whole. A sample never changes what is scored, only how much of it; `exact` scores all.
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from impasto import progress

Flags = npt.NDArray[np.bool_]
MOST_ROWS = 20_000
"""Rows that are compared with all others, or clustered."""
MOST_REPLICATES = 256
"""Wells of one perturbation that are queries and answers: a positive control of every plate has thousands."""
_SPEED_ROWS = 512


def words(drawn: int, of: int, /, *, what: str = "rows") -> str:
    """What a protocol says of a sample.

    Parameters
    ----------
    drawn, of
        How many were drawn, of how many.
    what
        What they are.

    Returns
    -------
    str
        Begins with a comma; nothing where all were taken.

    """
    return "" if drawn == of else f", {drawn:,} of {of:,} {what} drawn"


def of_groups(codes: npt.NDArray[np.integer], /, *, most: int, seed: int) -> Flags:
    """Whole groups, drawn in random order, until their rows are enough.

    Parameters
    ----------
    codes
        (n,) the group of each row, from 0, in an order of rows that does not depend on the table's.
    most
        How many rows are enough; the last group may go beyond.
    seed
        Of the order.

    Returns
    -------
    Flags
        (n,) which rows are drawn.

    """
    if len(codes) <= most:
        return np.ones(len(codes), dtype=bool)
    sizes = np.bincount(codes)
    order = np.random.default_rng([seed, most]).permutation(len(sizes))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), most)) + 1
    drawn = np.zeros(len(sizes), dtype=bool)
    drawn[order[:enough]] = True
    return np.asarray(drawn[codes])


def of_each(codes: npt.NDArray[np.integer], /, *, most: int, seed: int) -> Flags:
    """At most so many rows of each group.

    Parameters
    ----------
    codes
        (n,) the group of each row, from 0; of rows below 0 none is drawn.
    most
        Rows of a group; of a larger one they are drawn.
    seed
        Of the draw.

    Returns
    -------
    Flags
        (n,) which rows are drawn.

    """
    drawn = codes >= 0
    sizes = np.bincount(codes[drawn])
    for code in np.flatnonzero(sizes > most):
        rows = np.flatnonzero(codes == code)
        drawn[rows] = False
        drawn[np.random.default_rng([seed, most, int(code)]).choice(rows, most, replace=False)] = True
    return np.asarray(drawn)


def say_price(queries: int, candidates: int, width: int, /, *, what: str) -> None:
    """Say what comparing all with all takes on this machine, before it begins.

    Parameters
    ----------
    queries, candidates, width
        Rows that are compared, rows that they are compared with, and their length.
    what
        What is scored.

    """
    block = np.ones((_SPEED_ROWS, width), dtype=np.float32)
    candidates_of_block = np.ones((8 * _SPEED_ROWS, width), dtype=np.float32)
    clock = time.perf_counter()
    np.argpartition(block @ candidates_of_block.T, 16, axis=1)
    each = (time.perf_counter() - clock) / (8 * _SPEED_ROWS**2)
    minutes = each * queries * candidates / 60
    took = f"{minutes / 60:.1f} hours" if minutes > 120 else f"{max(1.0, minutes):.0f} min"
    progress.say(f"exact: {what} compares {queries:,} rows with {candidates:,}, about {took} on one core of this machine")
