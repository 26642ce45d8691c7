"""Statistics of light, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.profiling.intensity import Intensity


def test_statistics_of_a_plane_that_can_be_counted() -> None:
    plane = np.arange(100, dtype=np.uint16).reshape(10, 10)
    found = dict(zip(Intensity().features(["DNA"]), Intensity().prepare(plane[None]), strict=True))
    assert found["Image_Intensity_mean_DNA"] == pytest.approx(49.5)
    assert found["Image_Intensity_sd_DNA"] == pytest.approx((sum((x - 49.5) ** 2 for x in range(100)) / 100) ** 0.5)
    assert found["Image_Intensity_p50_DNA"] == pytest.approx(49.5)
    assert found["Image_Intensity_p99_DNA"] == pytest.approx(98.01)
    assert found["Image_Intensity_skewness_DNA"] == pytest.approx(0.0, abs=1e-6)
    assert found["Image_Intensity_top01_DNA"] == pytest.approx(99 / 4950)
    assert found["Image_Intensity_top05_DNA"] == pytest.approx(sum(range(95, 100)) / 4950)
    assert found["Image_Intensity_top25_DNA"] == pytest.approx(sum(range(75, 100)) / 4950)
    dark = Intensity().prepare(np.zeros((1, 4, 4), dtype=np.uint16))
    assert dark.tolist() == [0.0] * len(dark)


def test_every_percentile_is_that_of_its_name() -> None:
    plane = np.random.default_rng(0).integers(0, 65535, (40, 50)).astype(np.uint16)
    statistics = dict(zip(Intensity().features(["DNA"]), Intensity().prepare(plane[None]), strict=True))
    for q in (1, 5, 25, 50, 75, 95, 99):
        assert statistics[f"Image_Intensity_p{q:02d}_DNA"] == pytest.approx(np.percentile(plane, q))
    values = plane.astype(float)
    skewness = np.mean(((values - values.mean()) / values.std()) ** 3)
    assert statistics["Image_Intensity_skewness_DNA"] == pytest.approx(skewness, abs=1e-5)
    padded = np.pad(values, 1, mode="symmetric")
    means = sum(padded[i : i + 40, j : j + 50] for i in range(3) for j in range(3)) / 9
    assert statistics["Image_Intensity_coarseness_DNA"] == pytest.approx(means.std() / values.std(), rel=1e-5)
