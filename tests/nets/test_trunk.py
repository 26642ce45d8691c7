"""The trunk is torch's own pre-norm encoder."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from impasto.devices import Place
from impasto.nets import trunk
from impasto.nets.trunk import Attention, Recompute, Trunk, lower
from impasto.schema import InputError


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
    with pytest.raises(InputError, match="width 8 is not a multiple of heads 3"):
        Attention(width=8, heads=3)


def attended(attention: Attention, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Attention in float64, head by head and token by token."""
    x = tokens.double()
    width, heads = x.shape[-1], attention.heads
    q, k, v = (x @ attention.qkv.weight.double().T + attention.qkv.bias.double()).split(width, dim=-1)
    mixed = torch.zeros_like(x)
    size = width // heads
    for row in range(len(x)):
        real = torch.ones(x.shape[1], dtype=torch.bool) if mask is None else mask[row]
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for token in range(x.shape[1]):
                scores = (k[row, real, part] @ q[row, token, part]) / size**0.5
                weights = torch.exp(scores) / torch.exp(scores).sum()
                mixed[row, token, part] = weights @ v[row, real, part]
    return mixed @ attention.out.weight.double().T + attention.out.bias.double()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_attention_is_its_equation_in_both_precisions(precision: Literal["float32", "bf16"], masked: bool) -> None:
    torch.manual_seed(1)
    attention = Attention(width=12, heads=3)
    with torch.no_grad():
        attention.qkv.weight.mul_(3)
    tokens = torch.randn(2, 7, 12, requires_grad=True)
    mask = torch.arange(7)[None] < torch.tensor([7, 4])[:, None] if masked else None
    expected = attended(attention, tokens, mask)
    with Place(precision=precision).low():
        mixed = attention(tokens, mask)
    close = {"float32": 1e-5, "bf16": 0.02}[precision] * float(expected.detach().abs().max())
    torch.testing.assert_close(mixed.double(), expected, rtol=0, atol=close)
    gradient = torch.autograd.grad(mixed.float().square().sum(), tokens, retain_graph=True)[0]
    by_hand = torch.autograd.grad(expected.square().sum(), tokens)[0]
    torch.testing.assert_close(
        gradient, by_hand, rtol=0, atol=3 * close / float(expected.detach().abs().max()) * float(by_hand.abs().max())
    )


def test_attention_in_bf16_is_written_out_on_a_cpu_for_few_tokens_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    fused = trunk._fused
    monkeypatch.setattr(trunk, "_fused", lambda q, *rest: (lengths.append(q.shape[2]), fused(q, *rest))[1])
    attention = Attention(width=4, heads=1)
    for length in (512, 513):
        attention(torch.randn(1, length, 4))
        with Place(precision="bf16").low():
            attention(torch.randn(1, length, 4))
    assert lengths == [512, 513, 513]


def test_dropout_of_attention_in_bf16_drops_weights_in_training_only() -> None:
    torch.manual_seed(0)
    attention = Attention(width=4, heads=1, dropout=0.5)
    tokens = torch.randn(64, 9, 4)
    with Place(precision="bf16").low():
        drawn = [attention(tokens).float() for _ in range(2)]
        attention.eval()
        still = [attention(tokens).float() for _ in range(2)]
        mean = torch.stack([attention.train()(tokens).float() for _ in range(200)]).mean(dim=0)
    assert not torch.equal(*drawn)
    torch.testing.assert_close(*still)
    torch.testing.assert_close(mean, still[0], rtol=0, atol=0.15)
