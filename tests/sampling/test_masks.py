"""Masks hide the same share of every group, and never a zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.sampling import masks


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
