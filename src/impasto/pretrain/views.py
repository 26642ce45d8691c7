"""Views: augmented crops of images with any number of channels; on tensors, batched, all random numbers from one generator.

Random resized crop, flips and quarter turns (right for cells, which have no up) are one affine sampling; then Gaussian blur and a
jitter of each channel's light. The geometry is that of Assran et al. 2022 (MSN: one random and ten focal crops); quarter turns, and
light per channel instead of colour, are for stains. Before a crop is shrunk to less than half, the image is averaged over 2 x 2 pixels
as often as needed, so that nothing aliases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from impasto.settings import Settings


class ViewSettings(Settings):
    """How crops are made. `scale` and `focal_scale` are shares of the image's area; `blur` and `jitter` are probabilities."""

    size: int = 224
    scale: tuple[float, float] = (0.3, 1.0)
    focal: int = 10
    """How many focal crops a row has, for the methods that use them."""
    focal_size: int = 96
    focal_scale: tuple[float, float] = (0.05, 0.3)
    stretch: float = 4 / 3
    """The largest ratio of a crop's sides."""
    turns: bool = True
    flips: bool = True
    blur: float = 0.0
    blur_sd: tuple[float, float] = (0.1, 2.0)
    """In pixels of a view of 224, scaled to the view."""
    jitter: float = 0.0
    gain: float = 0.4
    offset: float = 0.1


@dataclass(frozen=True)
class View:
    """One view: where it is cut out, how it is turned, its blur and its light.

    Attributes
    ----------
    centre
        Row and column, as shares of the image.
    sides
        Height and width, as shares of the image.
    turn
        Quarter turns.
    flip
        Whether it is mirrored.
    blur
        Sd of a Gaussian, in pixels of a view of 224.
    gain, offset
        Of each channel's light; empty where light is left as it is.

    """

    centre: tuple[float, float]
    sides: tuple[float, float]
    turn: int = 0
    flip: bool = False
    blur: float = 0.0
    gain: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()


def draw(settings: ViewSettings, rng: np.random.Generator, /, *, channels: int, focal: bool = False) -> View:
    """Draw one view. The same count of numbers is always drawn, so that settings do not move what others draw.

    Parameters
    ----------
    settings
        How crops are made.
    rng
        Where all numbers come from.
    channels
        How many stains.
    focal
        Whether it is a focal crop.

    Returns
    -------
    View
        The view.

    """
    low, high = settings.focal_scale if focal else settings.scale
    area, bend = rng.uniform(low, high), rng.uniform(-1, 1) * math.log(settings.stretch) / 2
    height, width = (min(1.0, math.sqrt(area) * math.exp(sign * bend)) for sign in (1, -1))
    y, x = height / 2 + rng.random() * (1 - height), width / 2 + rng.random() * (1 - width)
    turn, flip = int(rng.integers(4)), bool(rng.integers(2))
    blurred, sd = rng.random() < settings.blur, rng.uniform(*settings.blur_sd)
    jittered, gain, offset = rng.random() < settings.jitter, rng.uniform(-1, 1, channels), rng.uniform(-1, 1, channels)
    return View(
        (y, x),
        (height, width),
        turn=turn if settings.turns else 0,
        flip=flip and settings.flips,
        blur=sd if blurred else 0.0,
        gain=tuple(np.exp(settings.gain * gain)) if jittered else (),
        offset=tuple(settings.offset * offset) if jittered else (),
    )


def render(images: Sequence[Tensor], views: Sequence[View], /, *, size: int) -> Tensor:
    """Cut the views out of their images. Images of one shape are rendered together.

    Parameters
    ----------
    images
        (C, H, W) each, light 0 to 1.
    views
        View i is cut out of image i.
    size
        Side of a rendered view in pixels.

    Returns
    -------
    Tensor
        (N, C, size, size), light 0 to 1.

    """
    out = torch.empty(len(images), len(images[0]), size, size)
    levels = [_halvings(image, view, size) for image, view in zip(images, views, strict=True)]
    alike: dict[tuple[tuple[int, ...], int], list[int]] = {}
    for number, (image, level) in enumerate(zip(images, levels, strict=True)):
        alike.setdefault((tuple(image.shape), level), []).append(number)
    for (_, level), numbers in alike.items():
        stacked = torch.stack([images[i] for i in numbers])
        smaller = functional.avg_pool2d(stacked, 2**level) if level else stacked
        grid = functional.affine_grid(
            _affine([views[i] for i in numbers]), [len(numbers), stacked.shape[1], size, size], align_corners=False
        )
        out[numbers] = functional.grid_sample(smaller, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return _light(_blur(out, [v.blur * size / 224 for v in views]), views)


def _halvings(image: Tensor, view: View, size: int) -> int:
    """How often the image is averaged over 2 x 2 before the crop is sampled."""
    pixels = min(view.sides[0] * image.shape[1], view.sides[1] * image.shape[2])
    return max(0, math.floor(math.log2(max(pixels / size, 1))))


def _affine(views: Sequence[View]) -> Tensor:
    """From places of the view (-1..1) to places of the image (-1..1): flip, turn, shrink, shift. (N, 2, 3)"""
    matrices = torch.empty(len(views), 2, 3)
    for number, view in enumerate(views):
        cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[view.turn]
        sign = -1 if view.flip else 1
        height, width = view.sides
        y, x = view.centre
        matrices[number] = torch.tensor([[width * cos * sign, -width * sin, 2 * x - 1], [height * sin * sign, height * cos, 2 * y - 1]])
    return matrices


def _blur(images: Tensor, sd: Sequence[float]) -> Tensor:
    """A Gaussian of its own width for each image; those with none are left as they are."""
    chosen = [i for i, s in enumerate(sd) if s > 0]
    if not chosen:
        return images
    widths = torch.tensor([sd[i] for i in chosen])
    reach = max(1, math.ceil(3 * float(widths.max())))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1)[None] / widths[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(images.shape[1], dim=0)
    some = images[chosen]
    flat = functional.pad(some.flatten(0, 1)[None], (reach, reach, reach, reach), mode="reflect")
    flat = functional.conv2d(flat, kernel[:, None, :, None], groups=len(kernel))
    blurred = functional.conv2d(flat, kernel[:, None, None, :], groups=len(kernel))
    out = images.clone()
    out[chosen] = blurred[0].reshape(some.shape)
    return out


def _light(images: Tensor, views: Sequence[View]) -> Tensor:
    """Each channel's light times its gain plus its offset, within 0..1, where a view has them."""
    chosen = [i for i, v in enumerate(views) if v.gain]
    if not chosen:
        return images
    gain, offset = (torch.tensor([getattr(views[i], what) for i in chosen], dtype=images.dtype) for what in ("gain", "offset"))
    out = images.clone()
    out[chosen] = (images[chosen] * gain[:, :, None, None] + offset[:, :, None, None]).clamp(0, 1)
    return out
