"""Cell-line tokens: tokens of the cell line stand before the image's tokens, so that the trunk reads an image knowing its line.

    T^c = W h_c + b, m tokens;   z = trunk([T^c, T^p]);   z_1 ... z_m are taken off again

with h_c the vector of the line (perturbations/expression.py) and one linear map of width m x trunk. Integrating Biological Knowledge for
Robust Microscopy Image Profiling on De Novo Cell Lines, section 3.2.4; m = 1, 2, 4, 8 there, 2 the best.

`attach` adds the tokens to any trunk of tokens (N, T, width), as its part `lines`. `LinesOfRows` says which lines the rows of a step are
of. What comes out of the trunk has the length that went in, so heads, readouts and decoders do not know of the tokens.

Departures: a line without a vector has learned tokens of its own (`unknown`). In training a share of the rows counts as unknown, so that
these are learned too. The paper averages the image tokens for the output; here that is the encoder's own readout.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


class LinesOfRows:
    """The cell lines of the rows of the present step.

    Attributes
    ----------
    vectors
        (rows, dim), the vector of each row's line; None outside a step.
    known
        (rows,), False where a line has no vector; None outside a step.

    """

    def __init__(self) -> None:
        self.vectors: Tensor | None = None
        self.known: Tensor | None = None

    @contextlib.contextmanager
    def of(self, vectors: Tensor, known: Tensor) -> Iterator[None]:
        """Set the lines that the trunks read within this context.

        Parameters
        ----------
        vectors
            (rows, dim), a vector for each row.
        known
            (rows,), False where the vector means nothing.

        Yields
        ------
        None
            Nothing; the lines are set until the context ends.

        """
        self.vectors, self.known = vectors, known
        try:
            yield
        finally:
            self.vectors = self.known = None


class CellLineTokens(nn.Module):
    """One linear map from a line's vector to a few tokens of the trunk's width.

    Parameters
    ----------
    lines_of_rows
        The lines of the present step.
    dim
        Width of a line's vector.
    width
        Width of the trunk.
    tokens
        How many tokens a line has.
    drop
        The share of rows that count as of an unknown line in training.

    """

    no_decay = ("unknown",)

    def __init__(self, lines_of_rows: LinesOfRows, *, dim: int, width: int, tokens: int, drop: float = 0.1) -> None:
        super().__init__()
        self.lines_of_rows, self.tokens, self.width, self.drop = lines_of_rows, tokens, width, drop
        self.project = nn.Linear(dim, tokens * width)
        self.unknown = nn.Parameter(torch.empty(tokens, width))
        nn.init.trunc_normal_(self.project.weight, std=0.02)
        nn.init.zeros_(self.project.bias)
        nn.init.trunc_normal_(self.unknown, std=0.02)

    def forward(self, rows: int, /) -> Tensor:
        """The tokens of the lines of the present step, those of an unknown line outside one.

        An image that is seen several times in a row of the trunk has its line's tokens as often, one after the other.

        Parameters
        ----------
        rows
            Rows that the trunk is given, a multiple of the rows of the step.

        Returns
        -------
        Tensor
            (rows, tokens, width).

        """
        if self.lines_of_rows.vectors is None or self.lines_of_rows.known is None:
            return self.unknown.expand(rows, -1, -1)
        vectors, known = self.lines_of_rows.vectors, self.lines_of_rows.known
        if self.training and self.drop:
            known = known & (torch.rand(len(known), device=known.device) >= self.drop)
        made = self.project(vectors).view(len(vectors), self.tokens, self.width)
        return torch.where(known[:, None, None], made, self.unknown).repeat_interleave(rows // len(vectors), dim=0)

    def prepend(self, _trunk: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """A hook before the trunk: the line's tokens, then the image's. A mask grows by tokens that are always real.

        Parameters
        ----------
        inputs
            What the trunk is given: tokens (rows, T, width) and, where there is one, a mask (rows, T).

        Returns
        -------
        tuple[Any, ...]
            The same, longer by the line's tokens.

        """
        tokens, *rest = inputs
        lines = self(len(tokens)).to(tokens.dtype)
        if rest and rest[0] is not None:
            rest[0] = torch.cat([rest[0].new_ones(len(tokens), self.tokens), rest[0]], dim=1)
        return (torch.cat([lines, tokens], dim=1), *rest)

    def strip(self, _trunk: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        """A hook after the trunk: the image's tokens only.

        Parameters
        ----------
        output
            (rows, tokens + T, width).

        Returns
        -------
        Tensor
            (rows, T, width).

        """
        return output[:, self.tokens :]


def attach(trunk: nn.Module, lines_of_rows: LinesOfRows, /, *, dim: int, width: int, tokens: int, drop: float = 0.1) -> CellLineTokens:
    """Add cell-line tokens to a trunk, as its part `lines`.

    Parameters
    ----------
    trunk
        A module that takes tokens (rows, T, width) and returns as many.
    lines_of_rows
        The lines of the present step.
    dim
        Width of a line's vector.
    width
        Width of the trunk.
    tokens
        How many tokens a line has.
    drop
        The share of rows that count as of an unknown line in training.

    Returns
    -------
    CellLineTokens
        The part that was added.

    """
    lines = CellLineTokens(lines_of_rows, dim=dim, width=width, tokens=tokens, drop=drop)
    trunk.add_module("lines", lines)
    trunk.register_forward_pre_hook(lines.prepend)
    trunk.register_forward_hook(lines.strip)
    return lines
