"""Poolings ignore order and padding; CrossChannelFormer is Eq. 4; the trunk is torch's own pre-norm encoder."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from impasto.nets.encoders.cross_channel_former import CrossChannelFormer
from impasto.nets.pooling import POOLINGS
from impasto.nets.pooling.gated_attention import GatedAttention
from impasto.nets.trunk import Attention, Trunk


def bags(n: int = 4, k: int = 5, c: int = 3, d: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(n, k, c, d, generator=generator)
    mask = torch.arange(k)[None, :] < torch.tensor([5, 3, 1, 4])[:, None]
    return values, mask


@pytest.mark.parametrize("name", sorted(POOLINGS))
def test_order_and_padding_change_nothing(name: str) -> None:
    torch.manual_seed(0)
    pooling = POOLINGS[name](6)
    values, mask = bags()
    found = pooling(values, mask)
    assert found.shape == (4, 3, 6)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(pooling(values[:, order], mask[:, order]), found)
    noisy = torch.where(mask[..., None, None], values, torch.full_like(values, 1e6))
    torch.testing.assert_close(pooling(noisy, mask), found)
    longer = torch.cat([values, torch.randn(4, 3, 3, 6)], dim=1)
    torch.testing.assert_close(pooling(longer, torch.cat([mask, torch.zeros(4, 3, dtype=torch.bool)], dim=1)), found)


@pytest.mark.parametrize("name", sorted(POOLINGS))
def test_a_bag_of_one_is_itself(name: str) -> None:
    values = torch.randn(2, 1, 3, 6)
    torch.testing.assert_close(POOLINGS[name](6)(values, torch.ones(2, 1, dtype=torch.bool)), values[:, 0])


def test_median_is_the_median_of_the_real_ones() -> None:
    values, mask = bags()
    found = POOLINGS["median"](6)(values, mask)
    for i, count in enumerate([5, 3, 1, 4]):
        ordered = values[i, :count].sort(dim=0).values
        torch.testing.assert_close(found[i], (ordered[(count - 1) // 2] + ordered[count // 2]) / 2)


def test_gated_attention_is_the_equation_written_out() -> None:
    torch.manual_seed(0)
    pooling = GatedAttention(width=4, hidden=3).double()
    values, mask = torch.randn(1, 3, 1, 4, dtype=torch.float64), torch.tensor([[True, True, False]])
    found = pooling(values, mask)[0, 0]
    state = {k: v.tolist() for k, v in pooling.state_dict().items()}

    def linear(name: str, x: list[float]) -> list[float]:
        return [
            sum(w * a for w, a in zip(row, x, strict=True)) + b
            for row, b in zip(state[f"{name}.weight"], state[f"{name}.bias"], strict=True)
        ]

    scores = []
    for k in range(2):
        z = values[0, k, 0].tolist()
        gated = [math.tanh(v) / (1 + math.exp(-u)) for v, u in zip(linear("value", z), linear("gate", z), strict=True)]
        scores.append(linear("score", gated)[0])
    a = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
    expected = [sum(a[k] * float(values[0, k, 0, f]) for k in range(2)) for f in range(4)]
    assert found.tolist() == pytest.approx(expected)


def test_the_trunk_equals_torchs_encoder_with_the_same_weights() -> None:
    torch.manual_seed(0)
    trunk = Trunk(width=16, depth=2, mixer=lambda: Attention(width=16, heads=4)).eval()
    layer = nn.TransformerEncoderLayer(16, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    theirs = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(16), enable_nested_tensor=False).eval()
    for mine, other in zip(trunk.blocks, theirs.layers, strict=True):
        pairs = [
            (other.self_attn.in_proj_weight, mine.mixer.qkv.weight),
            (other.self_attn.in_proj_bias, mine.mixer.qkv.bias),
            (other.self_attn.out_proj.weight, mine.mixer.out.weight),
            (other.self_attn.out_proj.bias, mine.mixer.out.bias),
            (other.linear1.weight, mine.mlp[0].weight),
            (other.linear1.bias, mine.mlp[0].bias),
            (other.linear2.weight, mine.mlp[3].weight),
            (other.linear2.bias, mine.mlp[3].bias),
        ]
        for target, source in pairs:
            target.data.copy_(source.data)
    tokens = torch.randn(2, 7, 16)
    torch.testing.assert_close(trunk(tokens), theirs(tokens), rtol=1e-4, atol=1e-5)


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
