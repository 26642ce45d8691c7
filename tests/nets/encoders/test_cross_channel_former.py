"""CrossChannelFormer is Eq. 4, at the sizes the paper states."""

from __future__ import annotations

import pytest
import torch

from impasto.nets.encoders.cross_channel_former import CrossChannelFormer


def test_cross_channel_former_knows_its_channels_and_its_size() -> None:
    torch.manual_seed(0)
    former = CrossChannelFormer(channels=5, profile_width=12, width=16, out=8, depth=2, heads=4).eval()
    pooled = torch.randn(3, 5, 12)
    found = former(pooled)
    assert found.shape == (3, 8)
    assert not torch.allclose(former(pooled.flip(1)), found)  # a channel's embedding tells it from the others
    wide = CrossChannelFormer(channels=5, profile_width=1536, width=512, out=512, depth=12, heads=8)
    assert sum(p.numel() for p in wide.parameters()) / 1e6 == pytest.approx(38.9, abs=0.5)
    with torch.device("meta"):
        paper = CrossChannelFormer(channels=5, profile_width=1536, width=0, out=512, depth=12, heads=8)
    assert sum(p.numel() for p in paper.parameters()) / 1e6 == pytest.approx(340.8, abs=0.5)
