"""Pictures: light 0 to 1 of the channels in order, their mean and sd over all pixels, what is bad left out, memory bounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.plates.eight_bit import to_8_bit
from impasto.plates.sites import Sites
from impasto.pretrain.pictures import Pictures


def test_mean_and_sd_are_those_of_all_readable_pixels(ingested: Path) -> None:
    sites = Sites.read(ingested)
    found = Pictures(sites, channels=["Mito", "DNA"], longest=None, memory_mb=100)
    assert len(found.readable) + len(found.bad) == len(sites)
    light = [np.stack([to_8_bit(p) for p in sites.image(n, channels=["Mito", "DNA"])]) / 255.0 for n in found.readable]
    pixels = np.concatenate([image.reshape(2, -1) for image in light], axis=1)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=1))
    np.testing.assert_allclose(found.spread, pixels.std(axis=1))
    assert found[found.readable[2]].dtype == torch.uint8
    np.testing.assert_allclose(found[found.readable[2]].numpy() / 255.0, light[2])


@pytest.mark.parametrize("memory_mb", [0, 100])
def test_what_does_not_fit_is_read_again_to_the_same_pixels(memory_mb: int, ingested: Path) -> None:
    sites = Sites.read(ingested)
    found = Pictures(sites, channels=["DNA"], longest=24, memory_mb=memory_mb, among=[0, 1, 2])
    assert set(found.readable) <= {0, 1, 2}
    assert len(found._cached) == (len(found.readable) if memory_mb else 0)
    image = found[found.readable[0]]
    assert image.shape == (1, 24, 24)
    assert int(image.max()) > 1
