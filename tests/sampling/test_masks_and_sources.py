"""Masks hide the same share of every group, and never a zero; minibatches hold positives, every row once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.sampling import masks
from impasto.sampling.sources import mixed_sources, one_source


@settings(deadline=None, max_examples=30)
@given(st.floats(0.05, 0.4), st.integers(0, 2**31))
def test_each_group_has_its_share_and_zeros_stay(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(6, 40))
    values[rng.random((6, 40)) < 0.3] = 0.0
    groups = rng.integers(0, 4, 40)
    masked = masks.draw(values, groups, share=share, seed=[seed])
    assert not masked[values == 0].any()
    for row in range(6):
        for g in range(4):
            n = ((groups == g) & (values[row] != 0)).sum()
            assert abs(int(masked[row, groups == g].sum()) - share * n) < 1


def test_the_share_is_right_on_average_even_in_groups_of_two() -> None:
    masked = masks.draw(np.ones((4000, 6)), np.array([0, 0, 1, 1, 1, 1]), share=0.2, seed=[0])
    assert masked[:, :2].mean() == pytest.approx(0.2, abs=0.02)
    assert masked.mean(axis=0) == pytest.approx(np.full(6, 0.2), abs=0.03)
    again = [masks.draw(np.ones((9, 6)), np.zeros(6, int), share=0.2, seed=[3]) for _ in range(2)]
    assert (again[0] == again[1]).all()


def test_the_share_of_a_minibatch_is_uniform_in_its_range() -> None:
    drawn = [masks.share(low=0.05, high=0.4, seed=[0, n]) for n in range(2000)]
    assert 0.05 <= min(drawn) < 0.06
    assert 0.39 < max(drawn) <= 0.4
    assert np.mean(drawn) == pytest.approx(0.225, abs=0.01)


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
