"""The trunk is torch's own pre-norm encoder."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from impasto.devices import Place
from impasto.nets.trunk import Attention, Recompute, Trunk, lower


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


def test_masked_tokens_are_silent() -> None:
    torch.manual_seed(0)
    trunk = Trunk(width=8, depth=2, mixer=lambda: Attention(width=8, heads=2)).eval()
    tokens, mask = torch.randn(2, 6, 8), torch.ones(2, 6, dtype=torch.bool)
    mask[:, 4:] = False
    other = tokens.clone()
    other[:, 4:] = 100.0
    found = trunk(tokens, mask)[:, :4]
    torch.testing.assert_close(trunk(other, mask)[:, :4], found)
    torch.testing.assert_close(trunk(tokens[:, :4]), found)
    assert not torch.allclose(trunk(tokens)[:, :4], found)


@pytest.mark.parametrize("recompute", ["mlp", "block"])
def test_recomputing_changes_no_gradient(recompute: Recompute) -> None:
    tokens, found = torch.randn(2, 5, 8), {}
    for what in ("nothing", recompute):
        torch.manual_seed(0)
        trunk = Trunk(width=8, depth=2, mixer=lambda: Attention(width=8, heads=2), dropout=0.3, recompute=what)
        trunk(tokens).square().sum().backward()
        found[what] = [p.grad for p in trunk.parameters()]
    for a, b in zip(*found.values(), strict=True):
        torch.testing.assert_close(a, b)


def test_products_are_in_the_precision_of_the_place_and_what_comes_out_is_float32() -> None:
    torch.manual_seed(0)
    net = nn.ModuleDict({"trunk": Trunk(width=16, depth=2, mixer=lambda: Attention(width=16, heads=2)), "head": nn.Linear(16, 3)})
    tokens = torch.randn(4, 6, 16)
    exact = net["trunk"](tokens)
    lower(net, Place(precision="bf16"))
    seen: list[torch.dtype] = []
    net["trunk"].blocks[0].mlp[0].register_forward_hook(lambda *given: seen.append(given[-1].dtype))
    low = net["trunk"](tokens)
    assert seen == [torch.bfloat16]
    assert low.dtype == net["head"](low).dtype == torch.float32
    assert 1e-5 < float((low - exact).detach().abs().max()) < 0.1
    low.sum().backward()
    assert all(weight.grad.dtype == torch.float32 for weight in net["trunk"].parameters())
    lower(net, Place())
    torch.testing.assert_close(net["trunk"](tokens), exact)


def test_only_the_blocks_of_trunks_are_compiled_and_only_where_the_place_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[tuple[nn.Module, object]] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **how: compiled.append((self, how)))
    net = nn.ModuleDict({"trunk": Trunk(width=8, depth=2, mixer=lambda: Attention(width=8, heads=2)), "head": nn.Linear(8, 3)})
    lower(net, Place())
    assert compiled == []
    lower(net, Place(compiled=True))
    assert compiled == [(block, {"dynamic": False}) for block in net["trunk"].blocks]


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="width 8 is not a multiple of heads 3"):
        Attention(width=8, heads=3)
