"""Views rendered: cut out in 8 bit, then antialiased to their size, blurred and lit. One view at a time for a CPU.

A crop is cut first, so a small view of a large image touches its own pixels only. `view_matrices` does the same in matrix products, for a
GPU; the two agree within 1e-4 of 255.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from impasto.pretrain.views import View

_BLUR_OF = 224
"""The blur of a view is in pixels of a view of this size."""


def render(images: Sequence[Tensor], views: Sequence[View], /, *, size: int) -> Tensor:
    """Cut the views out of their images.

    Parameters
    ----------
    images
        (C, H, W) each, 0 to 255, of any size; 8 bit is fastest.
    views
        View i is cut out of image i.
    size
        Side of a rendered view in pixels.

    Returns
    -------
    Tensor
        (N, C, size, size), light from 0; 1 is the brightest that 8 bit holds.

    """
    out = torch.empty(len(views), len(images[0]), size, size)
    for number, (image, view) in enumerate(zip(images, views, strict=True)):
        crop = image[:, view.top : view.top + view.height, view.left : view.left + view.width].float()
        shown = functional.interpolate(crop[None], size=(size, size), mode="bilinear", antialias=True, align_corners=False)[0]
        shown = shown.flip(2) if view.flip else shown
        shown = torch.rot90(shown, view.turn, (1, 2)) if view.turn else shown
        if view.blur:
            sd = sd_in(view, size)
            blur = gaussians(torch.tensor([sd]), size, reach=reach_of(sd, size))[0]
            shown = blur @ shown @ blur.T
        if view.gain:
            gain, offset = torch.tensor(view.gain), torch.tensor(view.offset)
            shown = lit(shown[None], gain[None], offset[None])[0]
        out[number] = shown
    return out.div_(255)


def sd_in(view: View, size: int, /) -> float:
    """The blur of a view in its own pixels.

    Parameters
    ----------
    view
        A view.
    size
        Its side in pixels.

    Returns
    -------
    float
        Sd of the Gaussian.

    """
    return view.blur * size / _BLUR_OF


def lit(images: Tensor, gain: Tensor, offset: Tensor, /) -> Tensor:
    """Each channel's light times its gain plus its offset in means of the channel, not below 0.

    Parameters
    ----------
    images
        (N, C, H, W).
    gain, offset
        (N, C).

    Returns
    -------
    Tensor
        (N, C, H, W).

    """
    added = offset * images.mean(dim=(2, 3))
    return (images * gain[:, :, None, None] + added[:, :, None, None]).clamp_min(0)


def reach_of(sd: float, size: int, /) -> int:
    """How many pixels a Gaussian reaches to each side.

    Parameters
    ----------
    sd
        Its sd in pixels.
    size
        Pixels of the side.

    Returns
    -------
    int
        3 sd, rounded up; 0 without a blur.

    """
    return min(size - 1, max(1, math.ceil(3 * sd))) if sd else 0


def gaussians(sd: Tensor, size: int, /, *, reach: int) -> Tensor:
    """Gaussian blurs along one side, as matrices: cut at 3 sd, mirrored at the borders.

    Parameters
    ----------
    sd
        (N,), in pixels; 0 for none.
    size
        Pixels of the side.
    reach
        That of the widest, so that nothing has to be read from a device.

    Returns
    -------
    Tensor
        (N, size, size), each row of which sums to one.

    """
    place = torch.arange(size, device=sd.device)
    out = torch.zeros(len(sd), size, size, device=sd.device)
    width, last = sd.clamp_min(1e-6), torch.ceil(3 * sd).clamp_min(1)
    for step in range(-reach, reach + 1):
        mirrored = (place + step).abs()
        mirrored = torch.where(mirrored > size - 1, 2 * (size - 1) - mirrored, mirrored)
        weight = torch.where(sd > 0, torch.exp(-0.5 * (step / width) ** 2), torch.full_like(sd, float(step == 0)))
        weight = torch.where(abs(step) <= last, weight, torch.zeros_like(weight))
        out.scatter_add_(2, mirrored[None, :, None].expand(len(sd), -1, -1), weight[:, None, None].expand(-1, size, 1))
    return out / out.sum(dim=2, keepdim=True)
