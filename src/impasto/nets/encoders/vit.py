"""ViT on any number of channels: an image of C stains is cut into patches that hold all C.

    [cls, E u_1 + e_1, ..., E u_P + e_P] -> transformer -> cls, P patch tokens

Dosovitskiy et al. 2021, Eq. 1-4. ViT-S/16 (width 384, 12 blocks, 6 heads) with 5 channels at 224 pixels has 21.9 M parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from impasto.nets import patches
from impasto.nets.encoders.reading import Readout
from impasto.nets.encoders.readout import read
from impasto.nets.trunk import Attention, Trunk


class ViT(nn.Module):
    """A vision transformer on images of any number of stains.

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

    """

    no_decay = ("cls",)

    def __init__(self, *, channels: int, size: int, patch: int, width: int, depth: int, heads: int, readout: Readout = "cls") -> None:
        super().__init__()
        self.channels, self.patch, self.width, self.readout = channels, patch, width, readout
        self.tokens = (size // patch) ** 2
        self.token_pixels = channels * patch * patch
        self.project = nn.Linear(self.token_pixels, width)
        self.positions = patches.Positions(side=size // patch, width=width)
        self.cls = nn.Parameter(torch.empty(width))
        self.trunk = Trunk(width=width, depth=depth, mixer=lambda: Attention(width=width, heads=heads))
        nn.init.trunc_normal_(self.cls, std=0.02)
        self.apply(patches.initialise)

    def cut(self, images: Tensor, /) -> Tensor:
        """The pixels of every patch token.

        Parameters
        ----------
        images
            (N, C, H, W).

        Returns
        -------
        Tensor
            (N, P, C * patch * patch).

        """
        return patches.cut(images, patch=self.patch)

    def forward(self, images: Tensor, keep: Tensor | None = None, channels: Tensor | None = None, /) -> Tensor:
        """The tokens of images. What is dropped is neither projected nor mixed.

        Parameters
        ----------
        images
            (N, C, H, W).
        keep
            (N, K), the patches that stay; None: all.
        channels
            The numbers of the channels that the images hold; the others count as their mean, which is zero. None: all are there.

        Returns
        -------
        Tensor
            (N, 1 + K, width), the CLS token first.

        """
        rows, columns = images.shape[2] // self.patch, images.shape[3] // self.patch
        squares, places = self.cut(images), self.positions(rows, columns).expand(len(images), -1, -1)
        if keep is not None:
            squares, places = patches.take(squares, keep), patches.take(places, keep)
        weight = self.project.weight
        if channels is not None:
            weight = weight.view(self.width, self.channels, -1)[:, channels].flatten(1)
        tokens = nn.functional.linear(squares, weight, self.project.bias) + places
        return self.trunk(torch.cat([self.cls.expand(len(tokens), 1, -1), tokens], dim=1))

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
