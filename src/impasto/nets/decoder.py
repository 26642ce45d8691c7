"""The decoder of masked autoencoders: tokens that were seen, a mask token for those that were not, and their pixels out.

He et al. 2022, section 3. With `beside` (the tokens of another view or well) the hidden patches may look at those as well: CropMAE,
Eymaël et al. 2024, section 3. *Departures*: there the decoder attends across in layers of their own; here both sets of tokens mix in
one self-attention (the joint decoder of Gupta et al. 2023), so that the one trunk serves. Positions are learned, not sines.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from impasto.nets import patches
from impasto.nets.trunk import Attention, Trunk


class Decoder(nn.Module):
    """Seen tokens (N, K, given) and their places -> predicted pixels (N, M, token_pixels) of the hidden places."""

    no_decay = ("hidden", "places", "other")

    def __init__(self, *, given: int, tokens: int, token_pixels: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.project = nn.Linear(given, width)
        self.hidden, self.other = nn.Parameter(torch.empty(width)), nn.Parameter(torch.empty(width))
        self.places = nn.Parameter(torch.empty(tokens, width))
        self.trunk = Trunk(width=width, depth=depth, mixer=lambda: Attention(width=width, heads=heads))
        self.pixels = nn.Linear(width, token_pixels)
        for own in (self.hidden, self.other, self.places):
            nn.init.trunc_normal_(own, std=0.02)
        self.apply(patches.initialise)

    def forward(self, seen: Tensor, keep: Tensor, dropped: Tensor, beside: Tensor | None = None, /) -> Tensor:
        """`seen` begins with the CLS token, then those at `keep` (N, K); predicts those at `dropped` (N, M)."""
        inner = self.project(seen)
        known = inner[:, 1:] + self.places[keep]
        unknown = self.hidden + self.places[dropped]
        parts = [unknown, inner[:, :1], known]
        if beside is not None:
            around = self.project(beside)
            parts += [around[:, :1] + self.other, around[:, 1:] + self.places + self.other]
        return self.pixels(self.trunk(torch.cat(parts, dim=1))[:, : dropped.shape[1]])
