"""LoRA: a pretrained linear map learns by a product of two thin ones.

    y = W x + b + U D x,   D of r x in from N(0, 1/r), U of out x r zero: the net begins as it was; W and b do not learn

Hu et al. 2022, section 4.1, with their alpha = r. A run is saved merged, W + U D, so that it opens as the plain net it has become.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

_PLAIN, _DOWN, _UP = "linear", "down", "up"


class LoRA(nn.Module):
    """A linear map with a thin product beside it, which alone learns.

    Parameters
    ----------
    linear
        The pretrained map; it stops learning.
    rank
        r.

    """

    def __init__(self, linear: nn.Linear, /, *, rank: int) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(requires_grad=False)
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) / rank**0.5)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, inputs: Tensor, /) -> Tensor:
        """Apply both.

        Parameters
        ----------
        inputs
            (..., in).

        Returns
        -------
        Tensor
            (..., out).

        """
        return self.linear(inputs) + functional.linear(functional.linear(inputs, self.down), self.up)


def attach(encoder: nn.Module, /, *, rank: int) -> None:
    """Let an encoder with a trunk of attention learn by thin products on q, k, v and on the output of each block.

    Its first projection and its norms learn as well; all else stays.

    Parameters
    ----------
    encoder
        Changed in place.
    rank
        r.

    """
    encoder.requires_grad_(requires_grad=False)
    for name, part in encoder.named_modules():
        if isinstance(part, nn.LayerNorm) or name == "project":
            part.requires_grad_(requires_grad=True)
    for block in encoder.trunk.blocks:  # type: ignore[union-attr]
        block.mixer.qkv = LoRA(block.mixer.qkv, rank=rank)
        block.mixer.out = LoRA(block.mixer.out, rank=rank)


def merged(weights: Mapping[str, Tensor], /) -> dict[str, Tensor]:
    """Weights with every thin product added to its map, under the names of the plain net.

    Parameters
    ----------
    weights
        Name -> tensor, with or without LoRA.

    Returns
    -------
    dict[str, Tensor]
        The same tensors where there is no LoRA.

    """
    ups = [name.removesuffix(f".{_UP}") for name in weights if name.endswith(f".{_UP}")]
    owners = [owner for owner in ups if f"{owner}.{_DOWN}" in weights]
    plain = dict(weights)
    for owner in owners:
        product = plain.pop(f"{owner}.{_UP}") @ plain.pop(f"{owner}.{_DOWN}")
        plain[f"{owner}.weight"] = plain.pop(f"{owner}.{_PLAIN}.weight") + product
        plain[f"{owner}.bias"] = plain.pop(f"{owner}.{_PLAIN}.bias")
    return plain
