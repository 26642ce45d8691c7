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


@pytest.mark.parametrize("width", [8, None])
def test_it_is_equation_4_written_out(width: int | None) -> None:
    """[cls, mu^1 + chn^1, ..., mu^C + chn^C] through the trunk; the cls token, projected, is the embedding."""
    torch.manual_seed(0)
    former = CrossChannelFormer(channels=3, profile_width=6, width=width, out=4, depth=2, heads=2).double().eval()
    pooled = torch.randn(2, 3, 6, dtype=torch.float64)
    for profile, found in zip(pooled, former(pooled), strict=True):
        mixed = [former.project_in.weight @ mu + former.project_in.bias if width else mu for mu in profile]
        tokens = torch.stack([former.cls, *(mu + chn for mu, chn in zip(mixed, former.channels, strict=True))])
        cls = former.trunk(tokens[None])[0, 0]
        torch.testing.assert_close(found, former.project_out.weight @ cls + former.project_out.bias)
