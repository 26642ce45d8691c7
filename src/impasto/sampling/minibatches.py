"""Rows in an order, cut into minibatches of exactly the size that was asked for.

What is left over waits for another epoch, whose order is another. So each step of a training sees equally many rows, which a contrastive
loss and a batch norm depend on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from impasto import progress

Rows = npt.NDArray[np.intp]


def cut(order: Rows, size: int, /) -> list[Rows]:
    """Minibatches of exactly `size` rows.

    Parameters
    ----------
    order
        The rows of an epoch, shuffled.
    size
        Rows of a minibatch.

    Returns
    -------
    list[Rows]
        Minibatches in the order of the rows; one with all rows where there are fewer than `size`, none where there are none.

    """
    count = len(order) // size
    if not count:
        return [order] if len(order) else []
    return list(order[: count * size].reshape(count, size))


def cut_apart(order: Rows, size: int, names: npt.NDArray[np.intp], rng: np.random.Generator, /) -> list[Rows]:
    """Minibatches in which no name comes twice: of exactly `size` rows, or smaller ones where the names need more minibatches.

    Parameters
    ----------
    order
        The rows of an epoch, shuffled.
    size
        Rows of a minibatch.
    names
        (rows,), the code of each row's name, from 0; no code is above the number of rows.
    rng
        Orders the names.

    Returns
    -------
    list[Rows]
        Minibatches. As many as the most frequent name has rows, at the least; then no row waits.

    """
    if not len(order):
        return []
    most = int(np.bincount(names[order]).max())
    count = len(order) // size
    if count >= max(most, 1):
        order = order[: count * size]
    else:
        count = most
    # Rows of one name side by side, names in a random order: with every count-th row, a minibatch has a name once.
    place = rng.permutation(len(names))[names[order]]
    spread_out = order[np.argsort(place, kind="stable")]
    return [spread_out[first::count] for first in range(count)]


def say_if_smaller(minibatches: Sequence[Rows], size: int, /, *, what: str) -> None:
    """Say once where minibatches are smaller than was asked for, and why.

    Parameters
    ----------
    minibatches
        Of an epoch.
    size
        What was asked for.
    what
        What a row is, in the plural.

    """
    least = min(map(len, minibatches), default=size)
    if least == size:
        return
    if len(minibatches) == 1:
        progress.say(f"minibatch = {size} was asked for, and there are {least} {what}: all of them make one minibatch")
    else:
        progress.say(
            f"minibatch = {size} was asked for, and minibatches have {least} {what} or one more: those of one name are kept apart, which "
            f"takes {len(minibatches)} minibatches"
        )
