"""Optics of a well, by hand: response, blur, background and slope; levels add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from impasto.simulate import optics
from impasto.simulate.plan import Plan

WHERE = pd.DataFrame({"batch": ["B1", "B1", "B2"], "plate": ["P1", "P2", "P3"]})


def test_light_is_bent_blurred_raised_and_sloped() -> None:
    planes = np.random.default_rng(0).random((2, 16, 16)).astype(np.float32) - 0.1
    one = optics.Optics(2.0, 1.0, np.array([0.2, -0.1], np.float32), np.array([0.05, 0.3], np.float32), np.array([1.0, 2.0], np.float32))
    y, x = np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 16), indexing="ij")
    for stain, (background, response) in enumerate(((0.05, 1.0), (0.3, 2.0))):
        bent = np.maximum(planes[stain].astype(np.float64), 0) ** response
        expected = (gaussian_filter(bent, 1.0) + background) * (1 + 0.2 * y - 0.1 * x)
        np.testing.assert_allclose(one.seen(planes, scale=0.5)[stain], expected, atol=1e-5)


def test_shifts_of_batch_plate_and_well_add_up() -> None:
    assert optics.of_wells(Plan(), WHERE, stains=2, seed=0) is None
    batch = optics.of_wells(Plan(batch_optics=1.0), WHERE, stains=2, seed=0)
    assert batch is not None
    assert batch[0].blur == batch[1].blur != batch[2].blur
    plate = optics.of_wells(Plan(plate_optics=0.5), WHERE, stains=2, seed=0)
    both = optics.of_wells(Plan(batch_optics=1.0, plate_optics=0.5), WHERE, stains=2, seed=0)
    assert plate is not None
    assert both is not None
    for n in range(3):
        np.testing.assert_allclose(both[n].slope, batch[n].slope + plate[n].slope, rtol=1e-5)
        np.testing.assert_allclose(np.log(both[n].grain), np.log(batch[n].grain) + np.log(plate[n].grain), atol=1e-9)
        np.testing.assert_allclose(both[n].response, batch[n].response * plate[n].response, rtol=1e-5)


def test_one_well_by_hand() -> None:
    shift = np.array([-2.0, 1.0, 0.5, -1.0, 0.0, 1.0, 2.0, -1.0])
    one = optics._optics(shift, 2)
    assert one.blur == 5.0
    np.testing.assert_allclose(one.grain, np.exp(0.5))
    np.testing.assert_allclose(one.slope, [0.15, -0.3], rtol=1e-6)
    np.testing.assert_allclose(one.background, [0.05, 0.05 * np.exp(0.9)], rtol=1e-6)
    np.testing.assert_allclose(one.response, np.exp([0.7, -0.35]), rtol=1e-6)
