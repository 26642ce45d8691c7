"""Minibatches ahead: in order, this rank's rows, in chunks, some left out; an error of the maker is raised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from tests.training.test_loop import Pairs

from impasto.devices import HERE, Place
from impasto.training import feeding
from impasto.training.feeding import Rows, serve


class Numbers:
    def __init__(self) -> None:
        self.made: list[list[int]] = []

    def epoch(self, number: int, /) -> Sequence[Rows]:
        return list(np.arange(24).reshape(4, 6) + 100 * number)

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Pairs:
        if 999 in rows:
            raise KeyError("broken")
        self.made.append(rows.tolist())
        return Pairs(torch.as_tensor(rows), torch.zeros(len(rows)))


def served(place: Place = HERE, **changes: object) -> list[list[list[int]]]:
    chosen = {"chunk": None, "equal": False, "threads": 1, **changes}
    return [[part.x.tolist() for part in one.chunks] for one in serve(Numbers(), 1, place=place, **chosen)]  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 3, 9])
def test_they_come_in_order_whoever_made_them(threads: int) -> None:
    expected = [[list(range(100 + 6 * n, 106 + 6 * n))] for n in range(4)]
    assert served(threads=threads) == expected
    assert served(threads=threads, skip=3) == expected[:1]
    assert served(threads=threads, skip=4) == []


def test_each_rank_has_its_rows_and_chunks_are_parts_of_them() -> None:
    assert served(Place(rank=1, world=2), skip=3) == [[[101, 103, 105]]]
    assert served(Place(rank=1, world=4), skip=3) == [[[101, 105]]]
    assert served(chunk=4, skip=3) == [[[100, 101, 102], [103, 104, 105]]]
    (one,) = serve(Numbers(), 0, place=Place(rank=1, world=4), chunk=None, equal=False, threads=1, skip=3)
    assert (one.shares, one.rows, one.images) == ([2, 2, 1, 1], 2, 0)


def test_what_breaks_in_a_thread_breaks_the_loop() -> None:
    feed = Numbers()
    feed.epoch = lambda number, /: [np.arange(3), np.array([999])]  # type: ignore[method-assign]
    with pytest.raises(KeyError, match="broken"):
        list(serve(feed, 0, place=Place(), chunk=None, equal=False, threads=2))


def test_a_cpu_has_one_thread_and_a_gpu_its_part_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding.machine, "cores", lambda: 16)
    counts = [feeding.default_threads(Place(kind, world=world)) for kind, world in (("cpu", 1), ("cuda", 1), ("cuda", 4), ("cuda", 32))]
    assert counts == [1, 8, 4, 1]
