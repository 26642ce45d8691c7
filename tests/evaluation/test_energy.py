"""Energy distances against the definition, one pair at a time, for wells and for clouds of cells."""

from __future__ import annotations

import numpy as np

from impasto.evaluation import energy


def naive(x: np.ndarray, y: np.ndarray) -> float:
    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return sum(float(np.sqrt(((p - q) ** 2).sum())) for p in a for q in b) / (len(a) * len(b))

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


def test_every_choice_is_the_definition() -> None:
    rng = np.random.default_rng(0)
    wells = rng.normal(size=(9, 1, 4))
    distances = energy.between(wells, wells)
    chosen = np.array([[0, 1, 2], [8, 3, 5]])
    values = energy.of_choices(distances, chosen)
    for own, value in zip(chosen, values, strict=True):
        others = [i for i in range(9) if i not in own]
        np.testing.assert_allclose(value, naive(wells[own, 0], wells[others, 0]), atol=1e-12)


def test_clouds_of_cells_are_mixtures_of_wells() -> None:
    rng = np.random.default_rng(1)
    clouds = rng.normal(size=(5, 6, 3)) + rng.normal(size=(5, 1, 3))
    value = energy.of_choices(energy.between(clouds, clouds), np.array([[1, 3]]))[0]
    np.testing.assert_allclose(value, naive(clouds[[1, 3]].reshape(-1, 3), clouds[[0, 2, 4]].reshape(-1, 3)), atol=1e-12)


def test_no_wells_have_no_distances() -> None:
    assert energy.between(np.empty((0, 1, 3)), np.ones((4, 1, 3))).shape == (0, 4)


def test_without_a_group_it_is_the_definition_among_the_wells_that_stay() -> None:
    rng = np.random.default_rng(2)
    wells = rng.normal(size=(10, 1, 3))
    distances = energy.between(wells, wells)
    group = np.array([-1, -1, 0, 1, 0, 2, 2, 2, 1, 0])
    chosen = np.array([[0, 1], [2, 7], [8, 3]])
    values = energy.without_groups(distances, group, chosen)
    assert values.shape == (3, 3)
    for own, line in zip(chosen, values, strict=True):
        for number, value in enumerate(line):
            others = [i for i in range(10) if i not in own and group[i] != number]
            if number in group[own]:
                assert np.isnan(value)
            else:
                np.testing.assert_allclose(value, naive(wells[own, 0], wells[others, 0]), atol=1e-12)
    # A group that holds all controls leaves nothing to compare with.
    assert np.isnan(energy.without_groups(distances[:4, :4], np.array([-1, -1, 0, 0]), np.array([[0, 1]]))).all()
