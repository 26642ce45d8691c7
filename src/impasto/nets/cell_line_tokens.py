"""Cell-line tokens: what a cell line is stands before the image's tokens, so that the trunk reads an image in the light of its line.

    T^c = W h_c + b, m tokens;   z = trunk([T^c, T^p]);   z_1 ... z_m are taken off again

with h_c the vector of the line (perturbations/expression.py) and one linear map of width m x trunk. Integrating Biological Knowledge for
Robust Microscopy Image Profiling on De Novo Cell Lines, section 3.2.4; m = 1, 2, 4, 8 there, 2 the best.

The tokens are hung on any trunk of tokens (N, T, width), whatever else a method does with it: `attach` adds them as `trunk.lines`, and
`told` says which lines the images of a step are of. What comes out of the trunk has the length that went in, so heads, readouts and
decoders do not know of them.

Departures: a line without a vector has learned tokens of its own (`unknown`), and a share of the rows is told as unknown in training, so
that these are learned too. The paper averages the image tokens for the output; here that is the encoder's own readout.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


class Told:
    """Which lines the rows of the present step are of: vectors (rows, dim) and which of them are known (rows,)."""

    def __init__(self) -> None:
        self.vectors: Tensor | None = None
        self.known: Tensor | None = None

    @contextlib.contextmanager
    def of(self, vectors: Tensor, known: Tensor) -> Iterator[None]:
        """Within this context the trunks read these lines."""
        self.vectors, self.known = vectors, known
        try:
            yield
        finally:
            self.vectors = self.known = None


class CellLineTokens(nn.Module):
    """One linear map from a line's vector (dim,) to `tokens` tokens of the trunk's width."""

    no_decay = ("unknown",)

    def __init__(self, told: Told, *, dim: int, width: int, tokens: int, drop: float = 0.1) -> None:
        super().__init__()
        self.told, self.tokens, self.width, self.drop = told, tokens, width, drop
        self.project = nn.Linear(dim, tokens * width)
        self.unknown = nn.Parameter(torch.empty(tokens, width))
        nn.init.trunc_normal_(self.project.weight, std=0.02)
        nn.init.zeros_(self.project.bias)
        nn.init.trunc_normal_(self.unknown, std=0.02)

    def forward(self, rows: int, /) -> Tensor:
        """The tokens (rows, tokens, width) of the lines told; where a row of the minibatch is seen several times, one after the other."""
        if self.told.vectors is None or self.told.known is None:
            return self.unknown.expand(rows, -1, -1)
        vectors, known = self.told.vectors, self.told.known
        if self.training and self.drop:
            known = known & (torch.rand(len(known), device=known.device) >= self.drop)
        made = self.project(vectors).view(len(vectors), self.tokens, self.width)
        return torch.where(known[:, None, None], made, self.unknown).repeat_interleave(rows // len(vectors), dim=0)

    def prepend(self, _trunk: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Before the trunk: the line's tokens, then the image's; a mask grows by tokens that are always real."""
        tokens, *rest = inputs
        lines = self(len(tokens)).to(tokens.dtype)
        if rest and rest[0] is not None:
            rest[0] = torch.cat([rest[0].new_ones(len(tokens), self.tokens), rest[0]], dim=1)
        return (torch.cat([lines, tokens], dim=1), *rest)

    def strip(self, _trunk: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        """After the trunk: the image's tokens only."""
        return output[:, self.tokens :]


def attach(trunk: nn.Module, told: Told, /, *, dim: int, width: int, tokens: int, drop: float = 0.1) -> CellLineTokens:
    """Hang tokens on a trunk, as its part `lines`."""
    lines = CellLineTokens(told, dim=dim, width=width, tokens=tokens, drop=drop)
    trunk.add_module("lines", lines)
    trunk.register_forward_pre_hook(lines.prepend)
    trunk.register_forward_hook(lines.strip)
    return lines
