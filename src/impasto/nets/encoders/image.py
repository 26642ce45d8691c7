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
    """What every encoder here offers to a method."""

    width: int
    channels: int
    tokens: int

    def represent(self, images: Tensor, keep: Tensor | None = None, channels: Tensor | None = None, /) -> Tensor:
        """One vector an image."""


class EncoderSettings(Settings):
    """Which encoder, how large. ViT-S/16 by default; `layers` speaks of a ResNet, the rest of the others."""

    name: Literal["vit", "channel_vit", "ca_mae", "resnet"] = "vit"
    patch: int = 16
    width: int = 384
    depth: int = 12
    heads: int = 6
    layers: Literal[18, 50] = 50


def build(settings: EncoderSettings, /, *, channels: int, size: int) -> nn.Module:
    """An untrained encoder of images of `channels` stains, `size` pixels a side. Raises InputError where sizes do not fit."""
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
