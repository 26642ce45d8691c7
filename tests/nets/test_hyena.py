"""Hyena against a float64 double sum written from the equations; both directions; no output misses an input."""

from __future__ import annotations

import math

import pytest
import torch
from tests.nets.by_hand import double_sum
from torch import Tensor

from impasto.nets.hyena import Hyena, ImplicitFilter
from impasto.nets.trunk import Trunk


def filter_by_hand(module: ImplicitFilter, length: int) -> Tensor:
    """h_o, one offset at a time."""
    columns = []
    widths = module.direct.shape[0]
    rates = [-math.log(0.01) / 0.3 + c / (widths - 1) * (math.log(0.01) / 0.3 - math.log(0.01) / 1.5) for c in range(widths)]
    for step in range(-(length - 1), length):
        o = step / (length - 1)
        z = [o, *(math.cos(math.pi * k * o) for k in (1, 2)), *(math.sin(math.pi * k * o) for k in (1, 2))]
        hidden = torch.tensor(z, dtype=torch.float64)
        for layer in (0, 2, 4):
            hidden = torch.sin(10.0 * (module.ffn[layer].weight @ hidden + module.ffn[layer].bias))
        window = torch.tensor([math.exp(-r * abs(o)) for r in rates], dtype=torch.float64)
        columns.append(module.ffn[6].weight @ hidden * window)
    sizes = torch.tensor([math.sqrt(sum(math.exp(-r * abs(s) / (length - 1)) ** 2 for s in range(-(length - 1), length))) for r in rates])
    found = torch.stack(columns, dim=1) / sizes[:, None]
    found[:, length - 1] += module.direct
    return found


def operator_by_hand(module: Hyena, tokens: Tensor) -> Tensor:
    """Eq. 5 from the inside out, with loops."""
    _, length, width = tokens.shape
    projected = torch.stack([torch.stack([module.project_in.weight @ t + module.project_in.bias for t in row]) for row in tokens])
    short = torch.zeros_like(projected)
    for t in range(length):
        for k in (-1, 0, 1):
            if 0 <= t + k < length:
                short[:, t] += module.short[:, k + 1] * projected[:, t + k]
    parts = [short[:, :, n * width : (n + 1) * width].transpose(1, 2) for n in range(module.order + 1)]
    z, filters = parts[0], [filter_by_hand(f, length) for f in module.filters]
    if not module.whole:
        filters = [None, *filters]
    for gate, h in zip(parts[1:], filters, strict=True):
        z = gate * (z if h is None else double_sum(z, h))
    return z.transpose(1, 2) @ module.project_out.weight.T + module.project_out.bias


@pytest.mark.parametrize(("order", "whole"), [(2, False), (2, True), (1, True), (3, False)])
def test_the_operator_is_the_double_sum(order: int, whole: bool) -> None:
    torch.manual_seed(1)
    module = Hyena(width=4, order=order, whole=whole, filter_order=5).double()
    tokens = torch.randn(2, 9, 4, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(module(tokens), operator_by_hand(module, tokens), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("length", [2, 33, 200])
def test_every_output_sees_every_input(length: int) -> None:
    torch.manual_seed(2)
    module = Hyena(width=8).double()
    tokens = torch.randn(1, length, 8, dtype=torch.float64, requires_grad=True)
    for output in {0, length // 2, length - 1}:
        (gradient,) = torch.autograd.grad(module(tokens)[0, output].square().sum(), tokens)
        assert (gradient[0].norm(dim=1) > 0).all()


def test_the_window_is_the_same_before_and_after() -> None:
    """A window that falls with the offset's sign would weigh the last token many times the first."""
    module = ImplicitFilter(width=16).double()
    with torch.no_grad():
        module.ffn[6].weight.fill_(1.0)
        module.ffn[4].weight.zero_()
        module.ffn[4].bias.fill_(0.1)
        module.direct.zero_()
        h = module(50)
    torch.testing.assert_close(h[:, 1:], h[:, 1:].flip(1))
    assert (h[:, 0] > h[:, 49]).all()
    assert (h[:, 49] > 0).all()
    assert (h[:, 50:-49] == 0).all()


def test_a_filter_first_asked_for_without_gradients_trains_later() -> None:
    module = Hyena(width=3)
    with torch.inference_mode():
        module(torch.zeros(1, 19, 3))
    module(torch.randn(1, 19, 3)).sum().backward()
    assert module.filters[0].direct.grad is not None


def test_masked_tokens_are_silent() -> None:
    torch.manual_seed(3)
    module = Hyena(width=8)
    tokens = torch.randn(2, 12, 8)
    mask = torch.ones(2, 12, dtype=torch.bool)
    mask[:, 7] = False
    other = tokens.clone()
    other[:, 7] = 100.0
    heard = mask[0]
    assert torch.equal(module(tokens, mask)[:, heard], module(other, mask)[:, heard])
    assert not torch.equal(module(tokens)[:, heard], module(other)[:, heard])


def test_it_mixes_in_the_shared_trunk() -> None:
    torch.manual_seed(4)
    trunk = Trunk(width=16, depth=2, mixer=lambda: Hyena(width=16))
    tokens = torch.randn(3, 20, 16, requires_grad=True)
    before = tokens.detach().clone()
    trunk(tokens).square().mean().backward()
    assert torch.equal(tokens.detach(), before)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in trunk.parameters())
