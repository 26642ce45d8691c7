"""Encoders of images with any channels, by name: patches really dropped, channels matched by number."""

from __future__ import annotations

import pytest
import torch
from tests.nets.sizes import TINY

from impasto.nets import patches
from impasto.nets.encoders import image
from impasto.nets.encoders.channel_vit import ChannelViT
from impasto.nets.encoders.image import EncoderSettings
from impasto.nets.encoders.vit import ViT
from impasto.schema import InputError


@pytest.mark.parametrize("net", [ViT(channels=3, **TINY), ChannelViT(channels=3, **TINY)])
def test_dropped_patches_are_never_seen(net: ViT | ChannelViT) -> None:
    images = torch.randn(2, 3, 32, 32)
    keep, dropped = patches.split(torch.rand(2, net.tokens), drop=0.5)
    assert net(images, keep).shape == (2, 1 + keep.shape[1], 24)
    spoilt = images.clone()
    cut = net.cut(spoilt)
    changed = images.clone().requires_grad_()
    net(changed, keep).sum().backward()
    touched = net.cut(changed.grad).abs().sum(dim=-1) > 0  # type: ignore[arg-type]
    assert touched.gather(1, keep).all()
    assert not touched.gather(1, dropped).any()
    assert torch.equal(cut, net.cut(images))


@pytest.mark.parametrize("name", ["vit", "channel_vit", "ca_mae", "resnet"])
def test_missing_channels_are_matched_by_number(name: str) -> None:
    """Where a channel holds its mean (zero) it says nothing to a sum over channels; a token encoder does without its tokens."""
    torch.manual_seed(0)
    net = image.build(EncoderSettings(name=name, patch=8, width=24, depth=2, heads=3, layers=18), channels=4, size=32).eval()
    images = torch.randn(2, 4, 32, 32)
    there = torch.tensor([2, 0])
    one = net.represent(images[:, there], None, there)
    two = net.represent(images[:, there.flip(0)], None, there.flip(0))
    torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
    if name in ("vit", "resnet"):
        blank = images.clone()
        blank[:, [1, 3]] = 0
        torch.testing.assert_close(one, net.represent(blank), rtol=1e-4, atol=1e-5)
    else:
        assert not torch.allclose(one, net.represent(images), atol=1e-3)


def test_sizes_that_do_not_fit_are_a_sentence() -> None:
    with pytest.raises(InputError, match="does not fit views of 30 pixels"):
        image.build(EncoderSettings(patch=8), channels=2, size=30)


def test_an_encoder_that_is_not_described_is_the_small_vit() -> None:
    assert EncoderSettings().model_dump() == {
        "name": "vit",
        "patch": 16,
        "width": 384,
        "depth": 12,
        "heads": 6,
        "layers": 50,
        "readout": "cls",
        "start": None,
        "lora": 0,
    }
