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


def test_tokens_are_equation_2_written_out() -> None:
    """One projection and one grid of positions for all channels, one embedding a channel; the channels shown may be any."""
    torch.manual_seed(0)
    net = ChannelViT(channels=3, **TINY).double().eval()
    images = torch.randn(1, 2, 32, 32, dtype=torch.float64)
    tokens = [net.cls]
    for place, channel in enumerate((2, 0)):
        for patch in range(16):
            row, column = divmod(patch, 4)
            pixels = images[0, place, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].flatten()
            tokens.append(net.project.weight @ pixels + net.project.bias + net.positions.grid[patch] + net.channel[channel])
    torch.testing.assert_close(net(images, None, torch.tensor([2, 0])), net.trunk(torch.stack(tokens)[None]))
