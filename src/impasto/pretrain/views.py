"""Views: which part of an image is cut out, how it is turned, blurred and lit; all random numbers from one generator.

    area = share H W,  h / w = exp(U(-1, 1) ln stretch),  (h, w) shrunk together where a side does not fit
    light: v exp(g u_c) + o u'_c mean_c(v), not below 0

The geometry is that of Assran et al. 2022 (MSN: one random and ten focal crops); quarter turns (right for cells, which have no up) and
light per channel instead of colour are for stains. Boxes are whole pixels, so a crop is cut in 8 bit before anything is computed. The
offset of a channel's light is a share of its own mean in the view: a fixed one would make every pixel of a faint channel black. Light
above 1 is not cut off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    """Of a channel's light: the most that its logarithm changes."""
    offset: float = 0.1
    """Of a channel's light: the most that is added, in means of the channel."""


@dataclass(frozen=True)
class View:
    """One view: where it is cut out, how it is turned, its blur and its light.

    Attributes
    ----------
    top, left, height, width
        The box, in pixels of the image.
    turn
        Quarter turns against the clock.
    flip
        Whether it is mirrored, before it is turned.
    blur
        Sd of a Gaussian, in pixels of a view of 224.
    gain, offset
        Of each channel's light; empty where light is left as it is. The offset is in means of the channel in this view.

    """

    top: int
    left: int
    height: int
    width: int
    turn: int = 0
    flip: bool = False
    blur: float = 0.0
    gain: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()

    @classmethod
    def whole(cls, shape: Sequence[int], /) -> View:
        """A view of all of an image.

        Parameters
        ----------
        shape
            Of the image; height and width last.

        Returns
        -------
        View
            Neither turned nor changed.

        """
        return cls(0, 0, int(shape[-2]), int(shape[-1]))


def draw(settings: ViewSettings, rng: np.random.Generator, /, *, shape: tuple[int, int], channels: int, focal: bool = False) -> View:
    """Draw one view. The same count of numbers is always drawn, so that settings do not move what others draw.

    Parameters
    ----------
    settings
        How crops are made.
    rng
        Where all numbers come from.
    shape
        Height and width of the image, in pixels.
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
    area, bend = rng.uniform(low, high) * shape[0] * shape[1], rng.uniform(-1, 1) * math.log(settings.stretch) / 2
    sides = [math.sqrt(area) * math.exp(sign * bend) for sign in (1, -1)]
    fit = min(1.0, *(whole / side for whole, side in zip(shape, sides, strict=True)))
    height, width = (min(whole, max(1, round(side * fit))) for whole, side in zip(shape, sides, strict=True))
    top, left = (int(rng.random() * (whole - side + 1)) for whole, side in zip(shape, (height, width), strict=True))
    turn, flip = int(rng.integers(4)), bool(rng.integers(2))
    blurred, sd = rng.random() < settings.blur, rng.uniform(*settings.blur_sd)
    jittered, gain, offset = rng.random() < settings.jitter, rng.uniform(-1, 1, channels), rng.uniform(-1, 1, channels)
    return View(
        top,
        left,
        height,
        width,
        turn=turn if settings.turns else 0,
        flip=flip and settings.flips,
        blur=sd if blurred else 0.0,
        gain=tuple((np.exp(settings.gain * gain)).tolist()) if jittered else (),
        offset=tuple((settings.offset * offset).tolist()) if jittered else (),
    )
