"""Samples: whole groups, the same whatever the order of groups' sizes, and every row says how much was taken."""

from __future__ import annotations

import numpy as np
import pytest

from impasto import progress
from impasto.evaluation import samples


def test_whole_groups_are_drawn_until_they_are_enough() -> None:
    codes = np.repeat(np.arange(50), 4)
    drawn = samples.of_groups(codes, most=30, seed=0)
    per = np.bincount(codes[drawn], minlength=50)
    assert set(per) == {0, 4}
    assert drawn.sum() == 32
    assert samples.of_groups(codes, most=200, seed=0).all()
    assert (samples.of_groups(codes, most=30, seed=1) != drawn).any()


def test_at_most_so_many_of_each_and_none_of_no_group() -> None:
    codes = np.array([0] * 10 + [1] * 3 + [-1] * 5)
    drawn = samples.of_each(codes, most=4, seed=0)
    assert [int(drawn[codes == c].sum()) for c in (0, 1, -1)] == [4, 3, 0]


def test_words_and_price(monkeypatch: pytest.MonkeyPatch) -> None:
    assert samples.words(5, 5) == ""
    assert samples.words(20_000, 1_157_000, what="queries") == ", 20,000 of 1,157,000 queries drawn"
    said: list[str] = []
    monkeypatch.setattr(progress, "say", said.append)
    samples.say_price(10**6, 10**6, 256, what="a test")
    assert said[0].startswith("exact: a test compares 1,000,000 rows with 1,000,000, about ")


@pytest.mark.parametrize(
    ("seconds", "width", "said"), [(512.0, 4, "64 min"), (960.0, 4, "120 min"), (1024.0, 0, "2.1 hours"), (0.001, 1, "1 min")]
)
def test_the_price_is_that_of_a_block_times_as_many_as_are_compared(
    seconds: float, width: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block has 512 x 4,096 pairs; 15,360 x 1,024 pairs are 7.5 of it."""
    sentences: list[str] = []
    monkeypatch.setattr(progress, "say", sentences.append)
    clock = iter([10.0, 10.0 + seconds])
    monkeypatch.setattr(samples.time, "perf_counter", lambda: next(clock))
    samples.say_price(15_360, 1_024, width, what="mixing")
    assert sentences == [f"exact: mixing compares 15,360 rows with 1,024, about {said} on one core of this machine"]
