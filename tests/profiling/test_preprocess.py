"""16 to 8 bit against the definition, and its traps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.plates.eight_bit import to_8_bit
from impasto.profiling.preprocess import to_encoder


def naive(plane: np.ndarray) -> np.ndarray:
    count = max(1, round(plane.shape[0] * plane.shape[1] * 0.000028))
    threshold = sorted(plane.ravel().tolist())[-count]
    return np.array([[0 if threshold <= 0 else min(255, v * 255 // threshold) for v in row] for row in plane.tolist()], dtype=np.uint8)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40))
def test_it_is_the_definition(seed: int, height: int, width: int) -> None:
    plane = np.random.default_rng(seed).integers(0, 65536, (height, width)).astype(np.uint16)
    np.testing.assert_array_equal(to_8_bit(plane), naive(plane))


def test_a_small_crop_does_not_turn_white_and_a_black_one_stays_black() -> None:
    plane = np.random.default_rng(0).integers(0, 1000, (100, 100)).astype(np.uint16)
    assert to_8_bit(plane).mean() < 200
    assert to_8_bit(np.zeros((10, 10), dtype=np.uint16)).max() == 0


def test_the_brightest_pixel_does_not_wrap_around() -> None:
    plane = np.full((50, 50), 10, dtype=np.uint16)
    plane[0, 0] = 60000
    assert to_8_bit(plane)[0, 0] == 255


def test_gray_becomes_rgb_of_imagenet() -> None:
    found = to_encoder(torch.full((2, 300, 200), 255, dtype=torch.uint8), size=64)
    assert found.shape == (2, 3, 64, 64)
    assert found[0, :, 0, 0].tolist() == pytest.approx([(1 - m) / s for m, s in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))], rel=1e-5)
