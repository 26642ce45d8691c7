"""Minibatches whose anchors come from one batch, the batches in turn.

Anchors of several batches in one minibatch differ by their batch too, and a contrast then learns that. With the target from another
batch (`pairs.prefer = "batch"`) what pairs share is what was done to the cells.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]


def in_turn(order: Rows, present: npt.NDArray[np.bool_], size: int, /, *, first: int) -> list[tuple[Rows, int]]:
    """Minibatches of exactly `size` rows, each with a batch in which all of its rows have an anchor.

    Parameters
    ----------
    order
        The rows of a pass, shuffled.
    present
        (rows, batches), whether a row has an anchor in a batch; indexed by row.
    size
        Rows of a minibatch.
    first
        The batch that comes first.

    Returns
    -------
    list[tuple[Rows, int]]
        Rows and their batch. A batch that too few of the waiting rows have is passed over; rows that no batch takes wait for another epoch.
        With too few rows for one minibatch, the batch that most of them have takes those.

    """
    batches = present.shape[1]
    waiting, made, turn, passed = order, [], first, 0
    while len(waiting) >= size and passed < batches:
        batch = turn % batches
        turn += 1
        taken = np.flatnonzero(present[waiting, batch])[:size]
        if len(taken) < size:
            passed += 1
            continue
        passed = 0
        made.append((waiting[taken], batch))
        waiting = np.delete(waiting, taken)
    if not made and len(order):
        batch = int(present[order].sum(axis=0).argmax())
        made.append((order[present[order, batch]], batch))
    return made
