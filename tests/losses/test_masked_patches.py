"""The error of hidden patches against a plain loop in float64."""

from __future__ import annotations

import math

import pytest
from tests.losses.by_hand import rows

from impasto.losses.masked_patches import masked_patches


def test_masked_patches_compares_each_patch_after_its_own_mean_and_sd() -> None:
    predicted, pixels = rows(6, 8).view(2, 3, 8), 5 + 3 * rows(6, 8, seed=1).view(2, 3, 8)
    expected = 0.0
    for p, x in zip(predicted.flatten(0, 1), pixels.flatten(0, 1), strict=True):
        mean = sum(map(float, x)) / 8
        variance = sum((float(v) - mean) ** 2 for v in x) / 7
        expected += sum((float(a) - (float(b) - mean) / math.sqrt(variance + 1e-6)) ** 2 for a, b in zip(p, x, strict=True)) / 8 / 6
    assert float(masked_patches(predicted, pixels)) == pytest.approx(expected)
    assert float(masked_patches(pixels, pixels, normalise=False)) == 0.0


def test_without_normalising_it_is_the_mean_square() -> None:
    predicted, pixels = rows(6, 8).view(2, 3, 8), rows(6, 8, seed=1).view(2, 3, 8)
    pairs = zip(predicted.flatten().tolist(), pixels.flatten().tolist(), strict=True)
    assert float(masked_patches(predicted, pixels, normalise=False)) == pytest.approx(sum((a - b) ** 2 for a, b in pairs) / 48)
