"""Patches: images cut into squares, given positions, and dropped.

Dosovitskiy et al. 2021, section 3.1 (linear projection of flattened patches, learned positions); He et al. 2022, section 3 (random
masking by sorting noise: what is dropped never enters the trunk). Positions learned on one grid are interpolated (bicubic) to others,
so focal crops and larger fields go through the same encoder (Caron et al. 2021).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def cut(images: Tensor, /, *, patch: int) -> Tensor:
    """Images (N, C, H, W) -> flattened patches (N, P, C * patch * patch), row by row. H and W must be multiples of `patch`."""
    n, channels, height, width = images.shape
    if height % patch or width % patch:
        raise ValueError(f"an image of {height} x {width} pixels cannot be cut into patches of {patch}")
    squares = images.reshape(n, channels, height // patch, patch, width // patch, patch)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, channels * patch * patch)


def split(noise: Tensor, /, *, drop: float) -> tuple[Tensor, Tensor]:
    """Noise (N, P) -> the indices of the patches that stay (N, K) and of those that are dropped (N, P - K), K = floor(P (1 - drop))."""
    order = noise.argsort(dim=1, stable=True)
    kept = int(noise.shape[1] * (1 - drop))
    return order[:, :kept], order[:, kept:]


def take(tokens: Tensor, index: Tensor, /) -> Tensor:
    """The tokens (N, K, width) at these indices (N, K) of tokens (N, P, width)."""
    return tokens.gather(1, index[:, :, None].expand(-1, -1, tokens.shape[2]))


class Positions(nn.Module):
    """One learned vector a place of a square grid, interpolated to other grids."""

    no_decay = ("grid",)

    def __init__(self, *, side: int, width: int) -> None:
        super().__init__()
        self.side = side
        self.grid = nn.Parameter(torch.empty(side * side, width))
        nn.init.trunc_normal_(self.grid, std=0.02)

    def forward(self, rows: int, columns: int, /) -> Tensor:
        """The positions (rows * columns, width) of a grid of this size."""
        if rows == columns == self.side:
            return self.grid
        square = self.grid.T.reshape(1, -1, self.side, self.side)
        there = functional.interpolate(square, size=(rows, columns), mode="bicubic", align_corners=False, antialias=False)
        return there.flatten(2)[0].T


def initialise(module: nn.Module) -> None:
    """Linear weights from a truncated normal of sd 0.02, biases zero: the usual start of a ViT. For `nn.Module.apply`."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def side_of(count: int, /) -> int:
    """The side of a square grid of `count` patches."""
    side = math.isqrt(count)
    if side * side != count:
        raise ValueError(f"{count} patches are not a square grid")
    return side
