"""Trainable encoders of images with named channels, by name: `vit`, `channel_vit`, `ca_mae`, `resnet`.

All have `width`, `channels`, `tokens` (of a training image; 0 where there are none) and
`represent(images, keep, channels) -> (N, width)`; those with tokens also `cut` and `forward` to tokens.
"""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import Field
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
    """Which encoder, how large, and where it begins. ViT-S/16 by default; `layers` speaks of a ResNet, the rest of the others."""

    name: Literal["vit", "channel_vit", "ca_mae", "resnet"] = "vit"
    patch: int = 16
    width: int = 384
    depth: int = 12
    heads: int = 6
    layers: Literal[18, 50, 101] = 50
    readout: Literal["cls", "mean"] = "cls"
    """What represents an image: the class token, or the mean of the image tokens."""
    start: str | None = None
    """Pretrained weights of a vit: `dinov2_s14`, or a DINOv2 by folder or hub name; None begins untrained."""
    lora: int = Field(default=0, ge=0)
    """The rank of the products by which pretrained weights learn; 0: they learn whole."""


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
        Where the sizes do not fit each other, or there is nothing pretrained for LoRA.

    """
    if settings.lora and settings.start is None:
        raise InputError("encoder.lora is of pretrained weights, and none are named; set encoder.start, or leave lora out")
    if settings.name == "resnet":
        if settings.start is not None or settings.readout != "cls":
            raise InputError("a resnet has neither tokens nor a DINOv2 to start from; leave start and readout out")
        return ResNet(channels=channels, layers=settings.layers)
    if size % settings.patch or settings.width % settings.heads:
        raise InputError(
            f"an encoder with patch {settings.patch}, width {settings.width} and {settings.heads} heads does not fit views of {size} "
            "pixels; the size must be a multiple of the patch, the width one of the heads"
        )
    sizes = {"patch": settings.patch, "width": settings.width, "depth": settings.depth, "heads": settings.heads}
    if settings.name == "vit":
        vit = ViT(channels=channels, size=size, readout=settings.readout, **sizes)
        return vit if settings.start is None else _with_norms_of_dinov2(vit)
    if settings.start is not None:
        raise InputError(f"encoder.start fills a vit, and this encoder is a {settings.name}; set name = 'vit', or leave start out")
    return ChannelViT(channels=channels, size=size, agnostic=settings.name == "ca_mae", readout=settings.readout, **sizes)


def _with_norms_of_dinov2(vit: nn.Module) -> nn.Module:
    """DINOv2's norms have an epsilon of their own: with torch's the tokens differ by a thousandth."""
    for part in vit.modules():
        if isinstance(part, nn.LayerNorm):
            part.eps = 1e-6
    return vit
