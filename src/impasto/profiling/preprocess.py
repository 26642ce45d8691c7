"""From channels in 8 bit to what an encoder reads: resized with antialiasing, light scaled as the encoder was trained with.

An encoder of natural images sees each channel as a gray image: repeated to RGB, ImageNet mean and sd (Lu et al., CellCLIP, appendix B).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from impasto.nets.encoders.reading import Normalise

_MEAN = (0.485, 0.456, 0.406)
_SD = (0.229, 0.224, 0.225)
_LEAST = 1e-6


def to_encoder(planes: Tensor, /, *, size: int, repeat: int = 3, normalise: Normalise = "imagenet") -> Tensor:
    """Gray planes as images that an encoder of single channels reads.

    Parameters
    ----------
    planes
        (N, H, W) uint8.
    size
        Side of an image in pixels.
    repeat
        How often a plane stands in its image: 3 as RGB.
    normalise
        How light is scaled.

    Returns
    -------
    Tensor
        (N, repeat, size, size).

    """
    return scaled(resized(planes[:, None], size=size).expand(-1, repeat, -1, -1), normalise)


def resized(images: Tensor, /, *, size: int) -> Tensor:
    """Images in 8 bit as squares of light 0 to 1, antialiased.

    Parameters
    ----------
    images
        (N, C, H, W) uint8.
    size
        Side of a square in pixels.

    Returns
    -------
    Tensor
        (N, C, size, size).

    """
    light = images.float() / 255
    if light.shape[2:] == (size, size):
        return light
    return functional.interpolate(light, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


def scaled(images: Tensor, normalise: Normalise, /) -> Tensor:
    """Light 0 to 1 as an encoder was trained with.

    Parameters
    ----------
    images
        (N, C, H, W).
    normalise
        `imagenet` is (x - mean) / sd of natural images, for red, green and blue; one plane takes the mean of the three. `unit` is light as
        it is, `0..255` times 255. `min_max` takes each plane from its darkest pixel to its brightest. `per_image` gives each plane mean 0
        and sd 1. A plane without contrast is 0 in these two.

    Returns
    -------
    Tensor
        (N, C, H, W).

    """
    if normalise == "unit":
        return images
    if normalise == "0..255":
        return images * 255
    if normalise == "min_max":
        low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
        return (images - low) / (high - low).clamp(min=_LEAST)
    if normalise == "per_image":
        spread, mean = torch.std_mean(images, dim=(2, 3), keepdim=True, correction=0)
        return (images - mean) / spread.clamp(min=_LEAST)
    mean, sd = torch.tensor(_MEAN, device=images.device), torch.tensor(_SD, device=images.device)
    if images.shape[1] == 1:
        mean, sd = mean.mean(dim=0, keepdim=True), sd.mean(dim=0, keepdim=True)
    return (images - mean[:, None, None]) / sd[:, None, None]
