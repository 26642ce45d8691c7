"""How a net reads an image: which planes it takes, how light is scaled, and which of its tokens become one vector. No torch here.

`gray3`: one channel, three times over, for nets of natural images. `gray1`: one channel, for nets of single stains. `stack`: several
channels in the order of the net's training. `set`: any channels, for nets that do not know their channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impasto.schema import InputError

Input = Literal["gray3", "gray1", "stack", "set"]
Normalise = Literal["imagenet", "unit", "0..255", "min_max", "per_image"]
Readout = Literal["cls", "mean", "cls+mean", "pooler"]
Call = Literal["forward", "predict", "forward_features"]
"""The function of a model that gives its embedding; the last two are of models that bring their own code."""

TOGETHER: tuple[Input, ...] = ("stack", "set")
"""The inputs that hold several channels of a site."""


@dataclass(frozen=True)
class Reading:
    """How a net reads an image.

    Attributes
    ----------
    input
        Which planes it takes.
    normalise
        `imagenet` (mean and sd of natural images, of 0 to 1), `unit` (0 to 1), `0..255`, `min_max` (each plane from its darkest pixel to
        its brightest), `per_image` (each plane with mean 0 and sd 1).
    order
        The channels of a stack or a set, in order; empty where each channel goes alone.

    """

    input: Input = "gray3"
    normalise: Normalise = "imagenet"
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: Input | None, normalise: Normalise | None, order: tuple[str, ...], /) -> Reading:
        """The reading of these settings.

        Parameters
        ----------
        kind
            Which planes; None: gray3.
        normalise
            How light is scaled; None: that of natural images, for gray3.
        order
            The channels of a stack.

        Returns
        -------
        Reading
            The reading.

        Raises
        ------
        InputError
            Where they do not fit each other, or nothing says how the light of another input than gray3 is scaled.

        """
        kind = kind or "gray3"
        if kind == "stack" and not order:
            raise InputError("input stack reads its channels in the order of the training; name them: --order DNA --order ER")
        if order and kind not in TOGETHER:
            raise InputError(f"order names the channels of a stack, and input {kind} reads one channel at a time; leave order out")
        if len(set(order)) < len(order):
            raise InputError(f"order names a channel twice: {', '.join(order)}")
        if normalise is None and kind != "gray3":
            raise InputError(
                f"nothing says how the light of input {kind} is scaled; set normalise to what the model was trained with: "
                "imagenet, unit, 0..255, min_max or per_image"
            )
        if normalise == "imagenet" and kind in TOGETHER and len(order) != 3:
            raise InputError("normalise imagenet is of three planes, red, green and blue; set unit, 0..255, min_max or per_image")
        return cls(kind, normalise or "imagenet", order)

    @property
    def planes(self) -> int:
        """Planes of an image; 0 where any number may be."""
        return {"gray3": 3, "gray1": 1}.get(self.input, len(self.order))

    @property
    def sentence(self) -> str:
        """How light becomes what the net reads, for a record."""
        gray = {"gray3": "gray as RGB; ", "gray1": "gray; "}.get(self.input, f"{self.input} of channels; ")
        scale = "ImageNet mean and sd" if self.normalise == "imagenet" else f"light {self.normalise}"
        return f"8 bit by brightest share 0.000028; {gray}bilinear antialiased; {scale}"


GRAY3 = Reading()
"""As nets of natural images read: one channel as red, green and blue."""
