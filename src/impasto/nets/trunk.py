"""The one trunk: a pre-norm residual stack of token mixer and MLP. Methods choose the mixer; nobody copies the stack.

ViT and CrossChannelFormer mix by attention, CellPainTR by a Hyena operator. Source of the block: Dosovitskiy et al. 2021
("An image is worth 16x16 words"), section 3.1: x <- x + mixer(LN(x)); x <- x + MLP(LN(x)).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


class Attention(nn.Module):
    """Multi-head self-attention over tokens (batch, tokens, width); `mask` (batch, tokens) is True where a token is real."""

    def __init__(self, *, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        batch, length, width = tokens.shape
        q, k, v = self.qkv(tokens).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        allowed = None if mask is None else mask[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed, dropout_p=self.dropout if self.training else 0.0)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """One pre-norm residual block: mixer, then an MLP of `mlp_width`, GELU."""

    def __init__(self, mixer: nn.Module, /, *, width: int, mlp_width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_mixer, self.mixer = nn.LayerNorm(width), mixer
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp_width), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        tokens = tokens + self.dropout(self.mixer(self.norm_mixer(tokens), mask))
        return tokens + self.dropout(self.mlp(self.norm_mlp(tokens)))


class Trunk(nn.Module):
    """`depth` blocks and a last norm: (batch, tokens, width) -> (batch, tokens, width).

    `mixer` makes one token mixer a block; it is called as `mixer(tokens, mask)`. `recompute` keeps a block's input only and
    computes the block again in the backward pass: a third more time, the memory of one block instead of all.
    """

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        mixer: Callable[[], nn.Module],
        mlp_width: int | None = None,
        dropout: float = 0.0,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.width, self.recompute = width, recompute
        self.blocks = nn.ModuleList(Block(mixer(), width=width, mlp_width=mlp_width or 4 * width, dropout=dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, /) -> Tensor:
        for block in self.blocks:
            if self.recompute and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, mask, use_reentrant=False)
            else:
                tokens = block(tokens, mask)
        return self.norm(tokens)
