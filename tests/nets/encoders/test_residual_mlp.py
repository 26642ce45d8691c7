"""The residual perceptron: its layers, and what is left where the blocks add nothing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from impasto.nets.encoders.residual_mlp import ResidualMLP


def test_layers_and_blocks() -> None:
    six = ResidualMLP(wide=12, width=16, out=8, depth=6)
    assert len(six.blocks) == 6
    assert six(torch.randn(5, 3, 4)).shape == (5, 8)
    for block in six.blocks:
        nn.init.zeros_(block[-1].weight)
        nn.init.zeros_(block[-1].bias)
    x = torch.randn(5, 12)
    torch.testing.assert_close(six(x), six.last(torch.nn.functional.gelu(six.first(x))))


def norm(x: list[float]) -> list[float]:
    mean = sum(x) / len(x)
    return [(v - mean) / math.sqrt(sum((u - mean) ** 2 for u in x) / len(x) + 1e-5) for v in x]


def linear(layer: nn.Linear, x: list[float]) -> list[float]:
    return [sum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)]


def gelu(x: list[float]) -> list[float]:
    return [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x]


def test_it_is_its_equation_written_out() -> None:
    """x <- x + W gelu(V LN(x)), block after block, then gelu and the last layer."""
    torch.manual_seed(0)
    net = ResidualMLP(wide=6, width=5, out=3, depth=2).double().eval()
    features = torch.randn(4, 2, 3, dtype=torch.float64)
    for row, found in zip(features, net(features), strict=True):
        x = linear(net.first, row.flatten().tolist())
        for _, first, _, _, second in net.blocks:
            x = [a + b for a, b in zip(x, linear(second, gelu(linear(first, norm(x)))), strict=True)]
        assert found.tolist() == pytest.approx(linear(net.last[1], norm(gelu(x))))
