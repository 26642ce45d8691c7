"""Minibatches ahead of their step: made by threads, this rank's rows of each, whole or in chunks.

Threads and not processes: what takes time (reading, cutting out, copying) leaves Python's lock, and the pixels stay in one memory. A
minibatch is a function of the seed, the epoch and its rows, so it does not matter which thread makes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from impasto import machine
from impasto.devices import Place
from impasto.schema import InputError
from impasto.training.method import Minibatch

Rows = npt.NDArray[np.intp]


class Feed(Protocol):
    """Where minibatches come from. A feed with `on(device)` gives one whose minibatches are finished on that device."""

    def epoch(self, number: int, /) -> Sequence[Rows]:
        """The rows of every minibatch of an epoch: a function of the seed and the number only.

        Parameters
        ----------
        number
            Of the epoch, from 0.

        Returns
        -------
        Sequence[Rows]
            Rows of each minibatch.

        """

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Minibatch:
        """The tensors of some rows; random views are a function of the seed, the epoch and the rows only.

        Parameters
        ----------
        rows
            Of one minibatch.
        epoch
            Its number, from 0.

        Returns
        -------
        Minibatch
            The minibatch.

        """


@dataclass(frozen=True)
class Served:
    """One minibatch of this rank.

    Attributes
    ----------
    chunks
        Its parts, on the device.
    shares
        How many rows each rank has of it.

    """

    chunks: list[Minibatch]
    shares: list[int]

    @property
    def rows(self) -> int:
        """How many rows of it this rank has."""
        return sum(chunk.size for chunk in self.chunks)

    @property
    def images(self) -> int:
        """The images in them."""
        return sum(chunk.images for chunk in self.chunks)


def shares_of(rows: Rows, world: int, /, *, equal: bool) -> list[Rows]:
    """The rows of each rank.

    Parameters
    ----------
    rows
        Of a minibatch.
    world
        How many ranks.
    equal
        Whether all must have equally many.

    Returns
    -------
    list[Rows]
        Rank r has every `world`-th row from the r-th on.

    Raises
    ------
    InputError
        Where a rank would have none, or not as many as the others where it must.

    """
    if len(rows) < world:
        raise InputError(f"a minibatch of {len(rows)} rows cannot be shared by {world} processes; start fewer, or make minibatches larger")
    if equal and len(rows) % world:
        raise InputError(
            f"a minibatch of {len(rows)} rows cannot be shared evenly by {world} processes, and this method needs it; make minibatches a "
            f"multiple of {world}"
        )
    return [rows[rank::world] for rank in range(world)]


def serve(
    feed: Feed, epoch: int, /, *, place: Place, chunk: int | None, equal: bool, threads: int | None, skip: int = 0
) -> Iterator[Served]:
    """The minibatches of an epoch on the device, the following ones made meanwhile.

    Parameters
    ----------
    feed
        Where they come from.
    epoch
        Its number.
    place
        Which rank this is, and where minibatches go.
    chunk
        The most rows of a chunk; None: a minibatch is one.
    equal
        Whether all ranks must have equally many rows.
    threads
        How many make minibatches; None: by the device.
    skip
        Minibatches at the end of the epoch that are not wanted.

    Yields
    ------
    Served
        This rank's share of each minibatch.

    Raises
    ------
    InputError
        Where a minibatch cannot be shared by the ranks.

    """
    shares = [shares_of(rows, place.world, equal=equal) for rows in feed.epoch(epoch)]
    shares = shares[: len(shares) - skip]

    def made(rows: Rows) -> list[Minibatch]:
        parts = np.array_split(rows, max(1, -(-len(rows) // (chunk or max(1, len(rows))))))
        return [feed.minibatch(part, epoch=epoch).ready_for(place.device) for part in parts]

    count = threads or default_threads(place)
    with ThreadPoolExecutor(max_workers=count) as pool:
        waiting: deque[Future[list[Minibatch]]] = deque()
        following = iter(shares)
        try:
            for share in shares:
                while len(waiting) <= count and (after := next(following, None)) is not None:
                    waiting.append(pool.submit(made, after[place.rank]))
                ready = waiting.popleft().result()
                yield Served([part.to(place.device) for part in ready], [len(rows) for rows in share])
        finally:
            for future in waiting:
                future.cancel()


def default_threads(place: Place, /) -> int:
    """How many threads make minibatches.

    Parameters
    ----------
    place
        Where the step runs.

    Returns
    -------
    int
        One beside a CPU, which the step uses itself; this rank's part of the cores, at most eight, beside a GPU.

    """
    return 1 if place.kind == "cpu" else max(1, min(8, machine.cores() // place.world))
