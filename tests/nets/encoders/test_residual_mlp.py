"""The residual perceptron: its layers, and what is left where the blocks add nothing."""

from __future__ import annotations

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
