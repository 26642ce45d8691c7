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
    """Seen tokens and their places -> predicted pixels of the hidden places.

    Parameters
    ----------
    seen_width
        Width of the encoder's tokens.
    tokens
        Places of an image.
    token_pixels
        Pixels of one place, times channels.
    width, depth, heads
        Of the decoder's trunk.
    beside
        Whether it is given the tokens of another view, which are then marked as such.

    """

    no_decay = ("hidden", "places", "other")

    def __init__(
        self, *, seen_width: int, tokens: int, token_pixels: int, width: int, depth: int, heads: int, beside: bool = False
    ) -> None:
        super().__init__()
        self.project = nn.Linear(seen_width, width)
        self.hidden = nn.Parameter(torch.empty(width))
        # A weight that no gradient reaches would leave several processes waiting for it.
        self.other = nn.Parameter(torch.empty(width)) if beside else None
        self.places = nn.Parameter(torch.empty(tokens, width))
        self.trunk = Trunk(width=width, depth=depth, mixer=lambda: Attention(width=width, heads=heads))
        self.pixels = nn.Linear(width, token_pixels)
        for own in (self.hidden, self.other, self.places):
            if own is not None:
                nn.init.trunc_normal_(own, std=0.02)
        self.apply(patches.initialise)

    def forward(self, seen: Tensor, keep: Tensor, dropped: Tensor, beside: Tensor | None = None, /) -> Tensor:
        """Predict the pixels of the hidden places.

        Parameters
        ----------
        seen
            (N, 1 + K, seen_width), the CLS token first, then the tokens at `keep`.
        keep
            (N, K), the places of the tokens that were seen.
        dropped
            (N, M), the places to predict.
        beside
            (N, 1 + tokens, seen_width), all tokens of another view, CLS first; None without one.

        Returns
        -------
        Tensor
            Pixels (N, M, token_pixels).

        """
        inner = self.project(seen)
        known = inner[:, 1:] + self.places[keep]
        unknown = self.hidden + self.places[dropped]
        parts = [unknown, inner[:, :1], known]
        if beside is not None:
            assert self.other is not None
            around = self.project(beside)
            parts += [around[:, :1] + self.other, around[:, 1:] + self.places + self.other]
        return self.pixels(self.trunk(torch.cat(parts, dim=1))[:, : dropped.shape[1]])
