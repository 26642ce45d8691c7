"""8 bit by the brightest pixels, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.plates import eight_bit


@pytest.mark.parametrize(("size", "brightest"), [(10, 1), (300, 3), (1080, 33)])
def test_the_threshold_is_the_least_of_the_brightest(size: int, brightest: int) -> None:
    plane = np.random.default_rng(0).permutation(size * size).astype(np.uint32).reshape(size, size) + 100
    threshold = sorted(plane.ravel().tolist())[-brightest]
    expected = [min(255, v * 255 // threshold) for v in plane.ravel().tolist()]
    got = eight_bit.to_8_bit(plane)
    assert got.ravel().tolist() == expected
    assert (got == 255).sum() == brightest
    assert got.dtype == np.uint8


def test_a_pixel_at_the_threshold_is_white_whatever_the_threshold() -> None:
    for brightest in range(1, 65536, 7):
        plane = np.array([[0, brightest]], dtype=np.uint16)
        assert eight_bit.to_8_bit(plane).tolist() == [[0, 255]], brightest
    # 20 of 300 is 17 of 255, to the last digit.
    assert eight_bit.to_8_bit(np.array([[20, 40, 300]], dtype=np.uint16)).tolist() == [[17, 34, 255]]


def test_pixels_far_above_the_threshold_are_white() -> None:
    plane = np.zeros((300, 300), dtype=np.uint16)
    plane[0, :4] = [65535, 1000, 100, 50]
    assert eight_bit.to_8_bit(plane)[0, :5].tolist() == [255, 255, 255, 127, 0]


def test_a_plane_without_light_stays_black_and_the_brightest_do_not_wrap() -> None:
    assert not eight_bit.to_8_bit(np.zeros((4, 4), dtype=np.uint16)).any()
    assert eight_bit.to_8_bit(np.full((4, 4), 5, dtype=np.uint16)).tolist() == [[255] * 4] * 4
    negative = np.array([[-1.0, 2.0]], dtype=np.float32)
    assert eight_bit.to_8_bit(negative).tolist() == [[0, 255]]
