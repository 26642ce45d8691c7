"""ChannelViT with and without its channel embeddings."""

from __future__ import annotations

import torch
from tests.nets.sizes import TINY

from impasto.nets.encoders.channel_vit import ChannelViT


def test_a_channel_agnostic_encoder_does_not_tell_its_channels_apart() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 32, 32)
    agnostic, named = ChannelViT(channels=3, agnostic=True, **TINY), ChannelViT(channels=3, **TINY)
    torch.testing.assert_close(agnostic.represent(images), agnostic.represent(images.flip(1)), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(named.represent(images), named.represent(images.flip(1)), atol=1e-4)
