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

from impasto.schema import InputError


def cut(images: Tensor, /, *, patch: int) -> Tensor:
    """Images as flattened patches, row by row.

    Parameters
    ----------
    images
        (N, C, H, W); H and W are multiples of `patch`.
    patch
        Side of a patch in pixels.

    Returns
    -------
    Tensor
        (N, P, C * patch * patch).

    Raises
    ------
    InputError
        Where the sides are not multiples of `patch`.

    """
    n, channels, height, width = images.shape
    if height % patch or width % patch:
        raise InputError(f"an image of {height} x {width} pixels cannot be cut into patches of {patch}")
    squares = images.reshape(n, channels, height // patch, patch, width // patch, patch)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, channels * patch * patch)


def split(noise: Tensor, /, *, drop: float) -> tuple[Tensor, Tensor]:
    """Which patches stay and which are dropped, by sorting noise.

    Parameters
    ----------
    noise
        (N, P), a random number for each patch.
    drop
        The share that is dropped.

    Returns
    -------
    tuple[Tensor, Tensor]
        Indices of those that stay (N, K) and of those that are dropped (N, P - K), K = floor(P (1 - drop)).

    """
    order = noise.argsort(dim=1, stable=True)
    stay = int(noise.shape[1] * (1 - drop))
    return order[:, :stay], order[:, stay:]


def take(tokens: Tensor, index: Tensor, /) -> Tensor:
    """The tokens at these indices.

    Parameters
    ----------
    tokens
        (N, P, width).
    index
        (N, K).

    Returns
    -------
    Tensor
        (N, K, width).

    """
    return tokens.gather(1, index[:, :, None].expand(-1, -1, tokens.shape[2]))


class Positions(nn.Module):
    """One learned vector for each place of a square grid, interpolated to other grids.

    Parameters
    ----------
    side
        Side of the grid, in patches.
    width
        Of a vector.

    """

    no_decay = ("grid",)

    def __init__(self, *, side: int, width: int) -> None:
        super().__init__()
        self.side = side
        self.grid = nn.Parameter(torch.empty(side * side, width))
        nn.init.trunc_normal_(self.grid, std=0.02)

    def forward(self, rows: int, columns: int, /) -> Tensor:
        """The positions of a grid of this size.

        Parameters
        ----------
        rows, columns
            In patches.

        Returns
        -------
        Tensor
            (rows * columns, width).

        """
        if rows == columns == self.side:
            return self.grid
        square = self.grid.T.reshape(1, -1, self.side, self.side)
        there = functional.interpolate(square, size=(rows, columns), mode="bicubic", align_corners=False, antialias=False)
        return there.flatten(2)[0].T


def initialise(module: nn.Module) -> None:
    """The usual start of a ViT, for `nn.Module.apply`: linear weights from a truncated normal of sd 0.02, biases zero.

    Parameters
    ----------
    module
        Changed in place where it is a linear layer.

    """
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def side_of(count: int, /) -> int:
    """The side of a square grid.

    Parameters
    ----------
    count
        How many patches it has.

    Returns
    -------
    int
        The root of `count`.

    Raises
    ------
    ValueError
        Where `count` is no square number.

    """
    side = math.isqrt(count)
    if side * side != count:
        raise ValueError(f"{count} patches are not a square grid")
    return side
