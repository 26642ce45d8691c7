"""Chance among equal candidates, beside every order of the groups."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from impasto.evaluation import cross_modal
from impasto.evaluation.tied_chance import expected_gain


def by_counting(gain: object, sizes: list[int], place: int) -> float:
    values = []
    for order in itertools.permutations(range(len(sizes))):
        before = sum(sizes[g] for g in order[: order.index(place)])
        values.append(gain(np.array([1 + before + (sizes[place] - 1) / 2]))[0])  # type: ignore[operator]
    return float(np.mean(values))


@pytest.mark.parametrize("sizes", [[1], [4], [1, 1, 1, 1], [3, 1, 2], [2, 2, 2, 1, 5], [1, 3, 3, 1, 2, 6, 1]])
def test_it_is_the_mean_over_all_orders(sizes: list[int]) -> None:
    for place in range(len(sizes)):
        for gain in (np.reciprocal, lambda r: (r <= 3).astype(float), lambda r: r):
            found = expected_gain(gain, sizes=np.array(sizes), own=sizes[place])
            assert found == pytest.approx(by_counting(gain, sizes, place), abs=1e-12)


def test_without_ties_it_is_the_chance_of_unique_candidates() -> None:
    sizes = np.ones(900, dtype=int)
    assert expected_gain(np.reciprocal, sizes=sizes, own=1) == pytest.approx(
        cross_modal.expected_reciprocal_rank(candidates=900, right=1), rel=1e-9
    )
    assert expected_gain(lambda r: (r <= 10).astype(float), sizes=sizes, own=1) == pytest.approx(10 / 900, rel=1e-9)


def test_many_groups_are_as_exact_as_draws_can_tell() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 4, size=1500)
    draws = np.array([1 + sizes[rng.random(1500) < rng.random()].sum() + 0.5 for _ in range(4000)])
    found = expected_gain(lambda r: r, sizes=np.append(sizes, 2), own=2)
    assert found == pytest.approx((sizes.sum() + 2 + 1) / 2, rel=1e-9)
    assert abs(found - draws.mean()) < 4 * draws.std() / np.sqrt(4000)
