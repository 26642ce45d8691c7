"""Heads have the layers that are asked for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from impasto.nets.heads import Norm, head


def test_heads_have_the_layers_that_are_asked_for() -> None:
    widths = [(m.in_features, m.out_features) for m in head([384, 2048, 2048, 256]) if isinstance(m, nn.Linear)]
    assert widths == [(384, 2048), (2048, 2048), (2048, 256)]
    assert isinstance(head([4, 5, 6], last_norm=True)[-1], nn.BatchNorm1d)
    assert isinstance(head([4, 5, 6])[-1], nn.Linear)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_a_head_is_linear_norm_gelu_linear_written_out(norm: Norm) -> None:
    torch.manual_seed(0)
    net, x = head([3, 5, 2], norm=norm, last_norm=True).double(), torch.randn(7, 3, dtype=torch.float64)
    first, second = (m for m in net if isinstance(m, nn.Linear))
    assert (first.bias is None) == (norm == "batch")

    def layer(linear: nn.Linear, rows: torch.Tensor) -> torch.Tensor:
        out = rows @ linear.weight.T + (0 if linear.bias is None else linear.bias)
        if norm == "none":
            return out
        over = 0 if norm == "batch" else 1
        return (out - out.mean(over, keepdim=True)) / (out.var(over, keepdim=True, correction=0) + 1e-5).sqrt()

    torch.testing.assert_close(net(x), layer(second, torch.nn.functional.gelu(layer(first, x))))
