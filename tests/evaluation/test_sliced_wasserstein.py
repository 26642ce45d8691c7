"""Sliced Wasserstein distances against optimal transport by the common refinement of two samples, and scipy's in one dimension."""

from __future__ import annotations

import numpy as np
from scipy import stats

from impasto.evaluation import sliced_wasserstein


def naive(x: np.ndarray, y: np.ndarray) -> float:
    """∫ (F⁻¹ - G⁻¹)² du: both repeated to samples of one size, sorted, compared one by one."""
    size = np.lcm(len(x), len(y))
    a, b = np.sort(np.repeat(x, size // len(x))), np.sort(np.repeat(y, size // len(y)))
    return float(((a - b) ** 2).mean())


def test_every_choice_is_transport_along_each_direction() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(11, 1, 5))
    axes = sliced_wasserstein.directions(5, 7, seed=1)
    np.testing.assert_allclose((axes**2).sum(axis=0), 1)
    chosen = np.array([[0, 1, 2], [10, 4, 7], [3, 9, 1]])
    values = sliced_wasserstein.of_choices(points @ axes, chosen)
    for own, value in zip(chosen, values, strict=True):
        others = [i for i in range(11) if i not in own]
        along = points[:, 0] @ axes
        expected = np.sqrt(np.mean([naive(along[own, i], along[others, i]) for i in range(7)]))
        np.testing.assert_allclose(value, expected, atol=1e-10)


def test_cells_of_a_well_move_together() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(6, 4, 1))
    value = sliced_wasserstein.of_choices(points, np.array([[1, 5]]))[0]
    np.testing.assert_allclose(value**2, naive(points[[1, 5]].ravel(), points[[0, 2, 3, 4]].ravel()), atol=1e-10)


def test_a_shift_is_its_own_distance() -> None:
    x = np.random.default_rng(3).normal(size=6)
    value = sliced_wasserstein.of_choices(np.concatenate([x, x + 2])[:, None, None], np.arange(6)[None])[0]
    np.testing.assert_allclose(value, stats.wasserstein_distance(x, x + 2))
    assert sliced_wasserstein.of_choices(np.ones((5, 1, 1)), np.array([[0, 1]]))[0] == 0
    assert sliced_wasserstein.of_choices(np.ones((5, 1, 1)), np.empty((0, 2), dtype=int)).shape == (0,)
    assert sliced_wasserstein.directions(1, 9, seed=0).shape == (1, 1)


def test_ties_and_many_wells_are_transport_too() -> None:
    rng = np.random.default_rng(4)
    points = rng.integers(0, 4, size=(9, 2, 3)).astype(float)
    chosen = np.array([rng.permutation(9)[:5] for _ in range(30)])
    for own, value in zip(chosen, sliced_wasserstein.of_choices(points, chosen), strict=True):
        others = np.setdiff1d(np.arange(9), own)
        expected = np.mean([naive(points[own, :, i].ravel(), points[others, :, i].ravel()) for i in range(3)])
        np.testing.assert_allclose(value**2, expected, atol=1e-9)


def test_without_a_group_it_is_transport_to_the_wells_that_stay() -> None:
    points = np.random.default_rng(5).normal(size=(10, 2, 1))
    group = np.array([-1, -1, 0, 1, 0, 2, 2, 2, 1, 0])
    chosen = np.array([[0, 1], [2, 7], [8, 3]])
    values = sliced_wasserstein.without_groups(points, group, chosen)
    assert values.shape == (3, 3)
    for own, line in zip(chosen, values, strict=True):
        for number, value in enumerate(line):
            others = [i for i in range(10) if i not in own and group[i] != number]
            if number in group[own]:
                assert np.isnan(value)
            else:
                np.testing.assert_allclose(value**2, naive(points[own].ravel(), points[others].ravel()), atol=1e-10)
    # A group that holds all controls leaves nothing to compare with.
    assert np.isnan(sliced_wasserstein.without_groups(points[:4], np.array([-1, -1, 0, 0]), np.array([[0, 1]]))).all()
