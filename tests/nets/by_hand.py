"""The bidirectional convolution that Hyena's oracles are written with."""

from __future__ import annotations

import torch
from torch import Tensor


def double_sum(u: Tensor, h: Tensor) -> Tensor:
    """Eq. 4 as printed, offsets of both signs."""
    batch, channels, length = u.shape
    y = torch.zeros_like(u)
    for b in range(batch):
        for c in range(channels):
            for t in range(length):
                y[b, c, t] = sum(h[c, t - s + length - 1] * u[b, c, s] for s in range(length))
    return y
