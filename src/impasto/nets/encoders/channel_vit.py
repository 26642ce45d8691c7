"""ChannelViT: one token a patch and channel, so that any subset of the channels can be read.

    [cls, W u_1^1 + e_1 + chn^1, ..., W u_P^C + e_P + chn^C] -> transformer -> cls, C x P tokens

Bao et al. 2023 (ChannelViT), Eq. 2: one projection and one set of positions for all channels, one embedding a channel;
hierarchical channel sampling (section 3.3) draws how many channels are shown, then which. Without the channel embedding this is the
channel-agnostic encoder of CA-MAE (Kraus et al. 2024, section 3.2), `name = "ca_mae"` in a recipe: it reads channels it has never seen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from impasto.nets import patches
from impasto.nets.encoders.reading import Readout
from impasto.nets.encoders.readout import read
from impasto.nets.trunk import Attention, Trunk


class ChannelViT(nn.Module):
    """One token for each patch and channel, and a CLS token.

    Parameters
    ----------
    channels
        How many stains.
    size
        Side of a training image in pixels.
    patch
        Side of a patch in pixels.
    width, depth, heads
        Of the trunk.
    readout
        What represents an image: `cls` or `mean`.
    agnostic
        Whether channels have no embedding of their own (CA-MAE).

    """

    no_decay = ("cls", "channel")

    def __init__(
        self, *, channels: int, size: int, patch: int, width: int, depth: int, heads: int, agnostic: bool = False, readout: Readout = "cls"
    ) -> None:
        super().__init__()
        self.channels, self.patch, self.width, self.readout = channels, patch, width, readout
        self.tokens = channels * (size // patch) ** 2
        self.token_pixels = patch * patch
        self.project = nn.Linear(self.token_pixels, width)
        self.positions = patches.Positions(side=size // patch, width=width)
        self.cls = nn.Parameter(torch.empty(width))
        self.channel = None if agnostic else nn.Parameter(torch.empty(channels, width))
        self.trunk = Trunk(width=width, depth=depth, mixer=lambda: Attention(width=width, heads=heads))
        for own in (self.cls, self.channel):
            if own is not None:
                nn.init.trunc_normal_(own, std=0.02)
        self.apply(patches.initialise)

    def cut(self, images: Tensor, /) -> Tensor:
        """The pixels of every token.

        Parameters
        ----------
        images
            (N, C, H, W).

        Returns
        -------
        Tensor
            (N, C * P, patch * patch), channel after channel.

        """
        n, channels, height, width = images.shape
        return patches.cut(images.reshape(n * channels, 1, height, width), patch=self.patch).reshape(n, -1, self.token_pixels)

    def forward(self, images: Tensor, keep: Tensor | None = None, channels: Tensor | None = None, /) -> Tensor:
        """The tokens of images.

        Parameters
        ----------
        images
            (N, C, H, W).
        keep
            (N, K), the tokens that stay, among all C * P; None: all.
        channels
            The numbers of the channels that the images hold; None: all of them, in order.

        Returns
        -------
        Tensor
            (N, 1 + K, width), the CLS token first, then channel after channel.

        """
        n, shown = images.shape[:2]
        places = self.positions(images.shape[2] // self.patch, images.shape[3] // self.patch).repeat(shown, 1)
        if self.channel is not None:
            named = self.channel if channels is None else self.channel[channels]
            places = places + named.repeat_interleave(len(places) // shown, dim=0)
        squares, places = self.cut(images), places.expand(n, -1, -1)
        if keep is not None:
            squares, places = patches.take(squares, keep), patches.take(places, keep)
        tokens = self.project(squares) + places
        return self.trunk(torch.cat([self.cls.expand(n, 1, -1), tokens], dim=1))

    def represent(self, images: Tensor, keep: Tensor | None = None, channels: Tensor | None = None, /) -> Tensor:
        """One vector for each image: its CLS token, or the mean of the tokens that stay.

        Parameters
        ----------
        images, keep, channels
            As of `forward`.

        Returns
        -------
        Tensor
            (N, width).

        """
        return read(self(images, keep, channels), readout=self.readout, prefix=1)
