"""What encoders of crops share: 8-bit pixels of a site, crop by crop, a row a site or a row a crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from impasto.plates.crops import Crops
from impasto.plates.eight_bit import to_8_bit
from impasto.plates.of_crops import OfCrops
from impasto.plates.read import BadImage


@dataclass(frozen=True)
class Means(OfCrops):
    crops: Crops

    def _embed(self, images: np.ndarray) -> np.ndarray:
        return images.mean(axis=(2, 3)).astype(np.float32)


@pytest.mark.parametrize("instances", [False, True])
def test_a_site_is_embedded_crop_by_crop(instances: bool) -> None:
    site = np.random.default_rng(0).integers(0, 4000, (2, 8, 16)).astype(np.uint16)
    encoder = Means(Crops("grid", 8, instances=instances))
    kept = encoder.prepare(site)
    assert kept.dtype == np.uint8
    assert kept.tolist() == [to_8_bit(plane).tolist() for plane in site]
    halves = [kept[:, :, :8].mean(axis=(1, 2)), kept[:, :, 8:].mean(axis=(1, 2))]
    rows = encoder([kept, kept])
    expected = halves if instances else [np.mean(halves, axis=0)]
    assert encoder.rows_of(kept) == len(expected)
    np.testing.assert_allclose(rows, [*expected, *expected], rtol=1e-6)


def test_a_site_that_is_too_small_is_refused_before_it_is_kept() -> None:
    with pytest.raises(BadImage, match="less than a crop of 8"):
        Means(Crops("grid", 8)).prepare(np.zeros((1, 4, 16), dtype=np.uint16))
