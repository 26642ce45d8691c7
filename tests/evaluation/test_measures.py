"""Both distances on a pool of wells, with and without groups of controls, are those of the definitions."""

from __future__ import annotations

import numpy as np
from tests.evaluation.test_energy import naive
from tests.evaluation.test_sliced_wasserstein import naive as transport

from impasto.evaluation.measures import Energy, Sliced

POOL = np.array([1, 4, 6, 3, 7, 9])
"""Rows of two treated wells, then of controls on two plates."""
GROUP = np.array([-1, 0, 1, -1, 2, 2])
PLATE = np.array([0, 0, 0, 1, 0, 0, 0, 1, 1, 1])
CONTROLS = np.array([True, False, False, False, True, True, True, True, True, True])
CHOSEN = np.array([[0, 3], [1, 2], [5, 0]])


def _points() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(10, 1, 3))


def test_energy_looks_up_the_distances_of_controls_by_their_place_on_their_plate() -> None:
    at = np.array([0, -1, -1, -1, 1, 2, 3, 0, 1, 2])
    points = _points()
    measure = Energy(points, PLATE, CONTROLS, at)
    for own, value, line in zip(CHOSEN, measure(POOL)(CHOSEN), measure.without_groups(POOL, GROUP)(CHOSEN), strict=True):
        others = np.setdiff1d(np.arange(6), own)
        np.testing.assert_allclose(value, naive(points[POOL[own], 0], points[POOL[others], 0]))
        _without(line, own, lambda own, others: naive(points[POOL[own], 0], points[POOL[others], 0]))
    assert not measure.is_costly


def test_sliced_distances_are_transport_along_each_direction() -> None:
    along = _points()

    def distance(own: np.ndarray, others: np.ndarray) -> float:
        return float(np.sqrt(np.mean([transport(along[POOL[own], 0, i], along[POOL[others], 0, i]) for i in range(3)])))

    measure = Sliced(along)
    for own, value, line in zip(CHOSEN, measure(POOL)(CHOSEN), measure.without_groups(POOL, GROUP)(CHOSEN), strict=True):
        np.testing.assert_allclose(value, distance(own, np.setdiff1d(np.arange(6), own)))
        _without(line, own, distance)
    assert measure.is_costly


def _without(line: np.ndarray, own: np.ndarray, distance) -> None:  # type: ignore[no-untyped-def]
    assert line.shape == (3,)
    for number, value in enumerate(line):
        others = [i for i in range(6) if i not in own and GROUP[i] != number]
        if number in GROUP[own]:
            assert np.isnan(value)
        else:
            np.testing.assert_allclose(value, distance(own, np.array(others)))
