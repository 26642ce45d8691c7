"""Minibatches from one source or from all: they hold positives, and every row once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.sampling.sources import mixed_sources, one_source


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.integers(1, 30), st.integers(4, 24), st.integers(2, 5), st.integers(0, 2**31))
def test_minibatches_hold_every_row_once_with_its_like(sources: int, labels: int, size: int, hand: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 80
    source, label = rng.integers(0, sources, n), rng.integers(0, labels, n)
    for kind, alone in ((one_source, True), (mixed_sources, False)):
        found = kind(source, label, size=size, hand=hand, seed=[seed])
        assert sorted(np.concatenate(found).tolist()) == list(range(n))
        assert max(map(len, found)) <= max(1.5 * size, 2 * hand)
        for rows in found:
            if alone:
                assert len(set(source[rows])) == 1
            for row in rows:
                others = ((label == label[row]) & ((source == source[row]) | (not alone))).sum() - 1
                if others:
                    assert (label[rows] == label[row]).sum() > 1
    assert all((a == b).all() for a, b in zip(found, mixed_sources(source, label, size=size, hand=hand, seed=[seed]), strict=True))


def test_a_hand_of_mixed_minibatches_spans_the_sources() -> None:
    source = np.repeat([0, 1, 2, 3], 20)
    label = np.tile(np.arange(5), 16)
    for rows in mixed_sources(source, label, size=20, hand=4, seed=[1]):
        for one in set(label[rows]):
            mine = rows[label[rows] == one]
            assert len(set(source[mine])) >= min(len(mine), 4) or len(mine) > 4


def test_two_wells_of_a_label_are_one_hand_and_three_are_not_split_into_a_lonely_one() -> None:
    for seed in range(10):
        for n, hand in ((2, 1), (3, 2), (4, 2), (5, 2)):
            found = mixed_sources(np.zeros(n, dtype=int), np.zeros(n, dtype=int), size=2, hand=hand, seed=[seed])
            assert min(map(len, found)) >= 2
    halves = mixed_sources(np.zeros(4, dtype=int), np.zeros(4, dtype=int), size=2, hand=2, seed=[0])
    assert [len(rows) for rows in halves] == [2, 2]
