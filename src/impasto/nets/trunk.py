"""The one trunk: a pre-norm residual stack of token mixer and MLP. Methods choose the mixer; nobody copies the stack.

ViT and CrossChannelFormer mix by attention, CellPainTR by a Hyena operator. Source of the block: Dosovitskiy et al. 2021
("An image is worth 16x16 words"), section 3.1: x <- x + mixer(LN(x)); x <- x + MLP(LN(x)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from impasto.devices import HERE, Place
from impasto.schema import InputError

_FEW = 512
"""Tokens up to which attention in bfloat16 is written out on a CPU."""


def _fused(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None, dropout: float, /) -> Tensor:
    """The attention of torch, which never holds the weights of all pairs of tokens."""
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed, dropout_p=dropout)


def _by_products(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None, dropout: float, /) -> Tensor:
    """The same by two products and a softmax in float32: torch's gradient of it in bfloat16 takes twice the time of float32 on a CPU."""
    scores = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).float()
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    return functional.dropout(scores.softmax(dim=-1).to(v.dtype), dropout, training=dropout > 0) @ v


class Attention(nn.Module):
    """Multi-head self-attention over tokens.

    Parameters
    ----------
    width
        Of a token; a multiple of `heads`.
    heads
        How many.
    dropout
        Of the attention weights.

    """

    def __init__(self, *, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"width {width} is not a multiple of heads {heads}; make it one, or take fewer heads")
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        """Mix the tokens of each row.

        Parameters
        ----------
        tokens
            (batch, tokens, width).
        mask
            (batch, tokens), True where a token is real; None: all are.

        Returns
        -------
        Tensor
            (batch, tokens, width).

        """
        batch, length, width = tokens.shape
        q, k, v = self.qkv(tokens).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        allowed = None if mask is None else mask[:, None, None, :]
        attend = _by_products if q.dtype == torch.bfloat16 and q.device.type == "cpu" and length <= _FEW else _fused
        mixed = attend(q, k, v, allowed, self.dropout if self.training else 0.0)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x): the activation of CLIP's towers (Hendrycks & Gimpel 2016, section 2)."""

    def forward(self, values: Tensor, /) -> Tensor:
        """Apply it.

        Parameters
        ----------
        values
            Of any shape.

        Returns
        -------
        Tensor
            Of the same shape.

        """
        return values * torch.sigmoid(1.702 * values)


Recompute = Literal["nothing", "activation", "mlp", "block"]


class Block(nn.Module):
    """One pre-norm residual block: mixer, then an MLP.

    Parameters
    ----------
    mixer
        Called as `mixer(tokens, mask)`.
    width
        Of a token.
    mlp_width
        Hidden width of the MLP.
    dropout
        After the mixer and in the MLP.
    recompute
        What the backward pass computes again; see `Trunk`.
    activation
        Makes the one of the MLP.

    """

    def __init__(
        self,
        mixer: nn.Module,
        /,
        *,
        width: int,
        mlp_width: int,
        dropout: float = 0.0,
        recompute: Recompute = "nothing",
        activation: Callable[[], nn.Module] = nn.GELU,
    ) -> None:
        super().__init__()
        self.norm_mixer, self.mixer = nn.LayerNorm(width), mixer
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp_width), activation(), nn.Dropout(dropout), nn.Linear(mlp_width, width))
        self.dropout = nn.Dropout(dropout)
        self.recompute = recompute

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        """Apply the block.

        Parameters
        ----------
        tokens
            (batch, tokens, width).
        mask
            (batch, tokens), True where a token is real; None: all are.

        Returns
        -------
        Tensor
            (batch, tokens, width).

        """
        if self.recompute == "block" and torch.is_grad_enabled():
            return checkpoint(self._whole, tokens, mask, use_reentrant=False)
        return self._whole(tokens, mask)

    def _whole(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        tokens = tokens + self.dropout(self.mixer(self.norm_mixer(tokens), mask))
        if self.recompute == "mlp" and torch.is_grad_enabled():
            return tokens + self.dropout(checkpoint(self._wide, tokens, use_reentrant=False))
        if self.recompute == "activation" and torch.is_grad_enabled():
            wide = self.mlp[0](self.norm_mlp(tokens))
            return tokens + self.dropout(checkpoint(self.mlp[1:], wide, use_reentrant=False))
        return tokens + self.dropout(self._wide(tokens))

    def _wide(self, tokens: Tensor) -> Tensor:
        return self.mlp(self.norm_mlp(tokens))


class Trunk(nn.Module):
    """Some blocks and a last norm.

    The backward pass can compute some things again instead of keeping them. `activation`: that of the MLP, with no product more. `mlp`: the
    whole MLP, with a ninth more products. `block`: the whole block, with a third more products and the memory of one block.

    Parameters
    ----------
    width
        Of a token.
    depth
        How many blocks.
    mixer
        Makes one token mixer a block; it is called as `mixer(tokens, mask)`.
    mlp_width
        Hidden width of the MLPs; four times `width` by default.
    dropout
        After each mixer and in each MLP.
    recompute
        What the backward pass computes again.
    activation
        Makes the one of the MLPs.

    """

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        mixer: Callable[[], nn.Module],
        mlp_width: int | None = None,
        dropout: float = 0.0,
        recompute: Recompute = "nothing",
        activation: Callable[[], nn.Module] = nn.GELU,
    ) -> None:
        super().__init__()
        self.width = width
        self.blocks = nn.ModuleList(
            Block(mixer(), width=width, mlp_width=mlp_width or 4 * width, dropout=dropout, recompute=recompute, activation=activation)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.place: Place = HERE

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        """Apply the blocks, their products in the precision of `place`.

        Parameters
        ----------
        tokens
            (batch, tokens, width).
        mask
            (batch, tokens), True where a token is real; None: all are.

        Returns
        -------
        Tensor
            (batch, tokens, width).

        """
        with self.place.low():
            for block in self.blocks:
                tokens = block(tokens, mask)
            mixed: Tensor = self.norm(tokens)
        return mixed if self.place.precision == "float32" else mixed.float()


def lower(module: nn.Module, place: Place, /) -> None:
    """Let the trunks in a module compute in a place's precision, compiled where the place says so. All else stays in float32.

    Parameters
    ----------
    module
        Changed in place.
    place
        Where it computes.

    """
    for part in module.modules():
        if isinstance(part, Trunk):
            part.place = place
            if place.compiled:
                for block in part.blocks:
                    block.compile(dynamic=False)
