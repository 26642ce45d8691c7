"""Encoders of sites: each channel alone or several together, sites of all sizes in one call, crops as their mean or as rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from impasto.nets.encoders.reading import Reading
from impasto.nets.encoders.vision import VisionEncoder
from impasto.plates.crops import Crops
from impasto.profiling.encoders import Cropping, EachChannel, Together, of_sites, vision_encoder
from impasto.profiling.preprocess import resized, scaled, to_encoder
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError


class Means(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([images.mean(dim=(1, 2, 3)), images.amax(dim=(1, 2, 3))], dim=1)


def test_sites_of_two_sizes_keep_their_places_and_channels() -> None:
    encoder = of_sites(VisionEncoder("means", Means(), 8, 2, "none", "none"))
    rng = np.random.default_rng(0)
    sites = [rng.integers(0, 255, size=(2, side, side)).astype(np.uint8) for side in (8, 16, 8)]
    together = encoder(sites)
    assert together.shape == (3, 4)
    for row, site in enumerate(sites):
        np.testing.assert_allclose(together[row], encoder([site])[0], rtol=1e-5)
        for channel in range(2):
            np.testing.assert_allclose(together[row, 2 * channel : 2 * channel + 2], encoder([site[channel : channel + 1]])[0], rtol=1e-5)
    assert encoder.features(["DNA", "ER"]) == ["emb_DNA_0000", "emb_DNA_0001", "emb_ER_0000", "emb_ER_0001"]
    assert isinstance(encoder, EachChannel)
    assert of_sites(encoder) is encoder


class PlaneMeans(torch.nn.Module):
    """The mean of each plane, in order: tells which plane a channel came to."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


def of_planes(kind: str, *, order: tuple[str, ...] = (), normalise: str = "unit", size: int = 8) -> VisionEncoder:
    width = {"gray3": 3, "gray1": 1}.get(kind, len(order))
    return VisionEncoder("planes", PlaneMeans(), size, width, "s", "none", reading=Reading(kind, normalise, order))


def flat(*levels: int, side: int = 8) -> np.ndarray:
    return np.stack([np.full((side, side), level, dtype=np.uint8) for level in levels])


def test_gray3_sees_a_channel_three_times_and_gray1_once() -> None:
    np.testing.assert_allclose(of_sites(of_planes("gray3"))([flat(51, 102)]), [[0.2, 0.2, 0.2, 0.4, 0.4, 0.4]], rtol=1e-6)
    one = of_sites(of_planes("gray1"))
    np.testing.assert_allclose(one([flat(51, 102)]), [[0.2, 0.4]], rtol=1e-6)
    assert one.features(["DNA", "ER"]) == ["emb_DNA_0000", "emb_ER_0000"]


def test_a_stack_is_read_in_the_models_order_whatever_the_order_of_the_images() -> None:
    encoder = of_sites(of_planes("stack", order=("ER", "DNA")))
    assert isinstance(encoder, Together)
    assert encoder.channels(["AGP", "DNA", "ER"]) == ["ER", "DNA"]
    np.testing.assert_allclose(encoder([flat(51, 102)]), [[0.2, 0.4]], rtol=1e-6)
    assert encoder.features(["ER", "DNA"]) == ["emb_0000", "emb_0001"]
    assert encoder.describe()["order"] == ["ER", "DNA"]
    with pytest.raises(InputError, match=r"reads the channels ER, DNA, and these images have DNA, RNA; ER is missing"):
        encoder.channels(["DNA", "RNA"])


def test_cover_sees_all_of_an_oblong_site_unsqueezed_and_squash_squeezes_it() -> None:
    left, right = flat(51), flat(102)
    site = np.concatenate([left, right], axis=2)  # 8 x 16: two squares side by side
    mean = of_sites(of_planes("gray1"))
    np.testing.assert_allclose(mean([site]), [[0.3]], rtol=1e-6)
    apart = of_sites(of_planes("gray1"), crops=Crops("cover", 8, instances=True))
    assert isinstance(apart, Cropping)
    np.testing.assert_allclose(apart([left, site]), [[0.2], [0.2], [0.4]], rtol=1e-6)
    assert [apart.rows_of(part) for part in (left, site)] == [1, 2]
    seen: list[tuple[int, ...]] = []

    class Shape(PlaneMeans):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(images.shape))
            return super().forward(images)

    of_sites(replace(of_planes("gray1"), net=Shape()), crops=Crops("squash", 8))([site])
    assert seen == [(1, 1, 8, 8)]


def test_light_is_scaled_as_it_says() -> None:
    plane = torch.tensor([[[[51, 102], [153, 204]]]], dtype=torch.uint8)
    light = resized(plane, size=2)
    assert light.flatten().tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert scaled(light, "unit").flatten().tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert scaled(light, "0..255").flatten().tolist() == pytest.approx([51, 102, 153, 204])
    assert scaled(light, "min_max").flatten().tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    sd = (0.3**2 + 0.1**2) ** 0.5 / 2**0.5  # of -.3 -.1 .1 .3
    assert scaled(light, "per_image").flatten().tolist() == pytest.approx([-0.3 / sd, -0.1 / sd, 0.1 / sd, 0.3 / sd], rel=1e-5)
    assert to_encoder(plane[:, 0], size=2, repeat=1).shape == (1, 1, 2, 2)
    dark = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    for normalise in ("min_max", "per_image"):
        assert torch.equal(scaled(resized(dark, size=4), normalise), torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"input": "gray1"}, "nothing says how the light of input gray1 is scaled"),
        ({"input": "stack", "normalise": "unit"}, "--order DNA --order ER"),
        ({"order": ["DNA"]}, "input gray3 reads one channel at a time"),
        ({"input": "stack", "order": ["DNA", "ER"], "normalise": "imagenet"}, "of three planes, red, green and blue"),
        ({"input": "stack", "order": ["DNA", "DNA"], "normalise": "unit"}, "order names a channel twice: DNA, DNA"),
    ],
)
def test_a_reading_that_does_not_fit_is_a_sentence(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        vision_encoder(EncoderSettings(encoder="org/model", **said))


@pytest.mark.parametrize("said", [{"layer": [3]}, {"readout": "mean"}, {"input": "gray1", "normalise": "unit"}])
def test_a_net_that_is_read_in_one_way_refuses_another(said: dict[str, object]) -> None:
    with pytest.raises(InputError, match="random is read in one way"):
        vision_encoder(EncoderSettings(encoder="random", **said))
