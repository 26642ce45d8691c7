"""Encoders of sites: statistics of light by hand; a vision encoder sees each channel on its own, sites of all sizes in one call."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.nets.encoders.vision import VisionEncoder
from impasto.profiling.encoders import EachChannel, Intensity, of_sites


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
    assert np.isfinite(dark).all()


class Means(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([images.mean(dim=(1, 2, 3)), images.amax(dim=(1, 2, 3))], dim=1)


def test_sites_of_two_sizes_keep_their_places_and_channels() -> None:
    encoder = EachChannel(VisionEncoder("means", Means(), 8, 2, "none", "none"))
    rng = np.random.default_rng(0)
    sites = [rng.integers(0, 255, size=(2, side, side)).astype(np.uint8) for side in (8, 16, 8)]
    together = encoder(sites)
    assert together.shape == (3, 4)
    for row, site in enumerate(sites):
        np.testing.assert_allclose(together[row], encoder([site])[0], rtol=1e-5)
        for channel in range(2):
            np.testing.assert_allclose(together[row, 2 * channel : 2 * channel + 2], encoder([site[channel : channel + 1]])[0], rtol=1e-5)
    assert encoder.features(["DNA", "ER"]) == ["emb_DNA_0000", "emb_DNA_0001", "emb_ER_0000", "emb_ER_0001"]
    assert isinstance(of_sites(encoder.encoder), EachChannel)
    assert of_sites(encoder) is encoder


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
