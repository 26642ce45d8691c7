"""Trainable encoders of images with named channels, by name: `vit`, `channel_vit`, `ca_mae`, `resnet`.

All have `width`, `channels`, `tokens` (of a training image; 0 where there are none) and
`represent(images, keep, channels) -> (N, width)`; those with tokens also `cut` and `forward` to tokens.
"""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor, nn

from impasto.nets.encoders.channel_vit import ChannelViT
from impasto.nets.encoders.resnet import ResNet
from impasto.nets.encoders.vit import ViT
from impasto.schema import InputError
from impasto.settings import Settings


class ImageEncoder(Protocol):
    """What every encoder here offers to a method.

    Attributes
    ----------
    width
        Of the representation.
    channels
        How many stains an image has.
    tokens
        Of a training image, without CLS; 0 for an encoder without tokens.

    """

    width: int
    channels: int
    tokens: int

    def represent(self, images: Tensor, keep: Tensor | None = None, channels: Tensor | None = None, /) -> Tensor:
        """One vector for each image.

        Parameters
        ----------
        images
            (N, C, H, W).
        keep
            (N, K), the tokens that stay; None: all.
        channels
            The numbers of the channels that the images hold; None: all of them, in order.

        Returns
        -------
        Tensor
            (N, width).

        """


class EncoderSettings(Settings):
    """Which encoder, how large. ViT-S/16 by default; `layers` speaks of a ResNet, the rest of the others."""

    name: Literal["vit", "channel_vit", "ca_mae", "resnet"] = "vit"
    patch: int = 16
    width: int = 384
    depth: int = 12
    heads: int = 6
    layers: Literal[18, 50, 101] = 50


def build(settings: EncoderSettings, /, *, channels: int, size: int) -> nn.Module:
    """An untrained encoder.

    Parameters
    ----------
    settings
        Its name and sizes.
    channels
        How many stains an image has.
    size
        Side of a training image in pixels.

    Returns
    -------
    nn.Module
        A module that is an `ImageEncoder`.

    Raises
    ------
    InputError
        Where the sizes do not fit each other.

    """
    if settings.name == "resnet":
        return ResNet(channels=channels, layers=settings.layers)
    if size % settings.patch or settings.width % settings.heads:
        raise InputError(
            f"an encoder with patch {settings.patch}, width {settings.width} and {settings.heads} heads does not fit views of {size} "
            "pixels; the size must be a multiple of the patch, the width one of the heads"
        )
    sizes = {"patch": settings.patch, "width": settings.width, "depth": settings.depth, "heads": settings.heads}
    if settings.name == "vit":
        return ViT(channels=channels, size=size, **sizes)
    return ChannelViT(channels=channels, size=size, agnostic=settings.name == "ca_mae", **sizes)
