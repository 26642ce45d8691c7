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
