"""From a channel in 8 bit to what an encoder of natural images reads.

Each channel is a gray image: repeated to RGB, resized with antialiasing, ImageNet mean and sd (Lu et al., CellCLIP, appendix B).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_MEAN = (0.485, 0.456, 0.406)
_SD = (0.229, 0.224, 0.225)


def to_encoder(planes: Tensor, /, *, size: int) -> Tensor:
    """Gray planes as images that an encoder of natural images reads, antialiased and ImageNet-normalised.

    Parameters
    ----------
    planes
        (N, H, W) uint8.
    size
        Side of an image in pixels.

    Returns
    -------
    Tensor
        (N, 3, size, size).

    """
    images = functional.interpolate(planes[:, None].float() / 255, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    mean, sd = torch.tensor(_MEAN)[:, None, None], torch.tensor(_SD)[:, None, None]
    return (images.expand(-1, 3, -1, -1) - mean.to(images)) / sd.to(images)
