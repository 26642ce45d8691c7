"""8 bit by the brightest pixels, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.plates import eight_bit


@pytest.mark.parametrize(("size", "brightest"), [(10, 1), (300, 3), (1080, 33)])
def test_the_threshold_is_the_least_of_the_brightest(size: int, brightest: int) -> None:
    plane = np.random.default_rng(0).permutation(size * size).astype(np.uint32).reshape(size, size) + 100
    threshold = sorted(plane.ravel().tolist())[-brightest]
    expected = [min(255, int(float(np.float32(v)) * (255.0 / threshold))) for v in plane[:2].ravel().tolist()]
    got = eight_bit.to_8_bit(plane)
    assert np.abs(got[:2].ravel().astype(int) - expected).max() <= 1
    assert (got == 255).sum() >= brightest
    assert got.dtype == np.uint8


def test_a_plane_without_light_stays_black_and_the_brightest_do_not_wrap() -> None:
    assert not eight_bit.to_8_bit(np.zeros((4, 4), dtype=np.uint16)).any()
    assert eight_bit.to_8_bit(np.full((4, 4), 5, dtype=np.uint16)).tolist() == [[255] * 4] * 4
    negative = np.array([[-1.0, 2.0]], dtype=np.float32)
    assert eight_bit.to_8_bit(negative).tolist() == [[0, 255]]
