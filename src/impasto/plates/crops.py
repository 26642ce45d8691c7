"""Which parts of a site an encoder sees, in pixels of the site.

    cover     squares of the short side, as few as cover the site: nothing is squeezed, nothing is left out
    grid      squares of the encoder's own size, side by side, centred: native pixels
    random    five squares of the encoder's own size at places drawn from a seed (Lu et al., CellCLIP, appendix B)
    squash    the whole site, squeezed into a square

Departures: CellCLIP draws other crops in every run. Here they are drawn from the seed and the size of the site, so that sites of one
size are cropped at the same places and a run can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from impasto.plates.read import BadImage

Way = Literal["cover", "grid", "random", "squash"]
_DRAWN = 5
Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """A part of a site, in pixels.

    Attributes
    ----------
    top, left
        Its first row and column.
    height, width
        Its size.

    """

    top: int
    left: int
    height: int
    width: int

    def of(self, images: Array, /) -> Array:
        """The part of some images.

        Parameters
        ----------
        images
            (..., H, W).

        Returns
        -------
        Array
            (..., height, width), a view.

        """
        return images[..., self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True)
class Crops:
    """How sites are cropped.

    Attributes
    ----------
    way
        One of the ways above.
    size
        Side of the encoder's input in pixels.
    seed
        Of random places.
    instances
        Whether each crop is a row of its own; else a site is the mean over its crops.

    """

    way: Way
    size: int
    seed: int = 0
    instances: bool = False

    def boxes(self, height: int, width: int, /) -> list[Box]:
        """The crops of a site of this size, from top to bottom and left to right; random ones as drawn.

        Parameters
        ----------
        height, width
            Of the site in pixels.

        Returns
        -------
        list[Box]
            At least one.

        Raises
        ------
        BadImage
            Where the site is smaller than a crop of native pixels.

        """
        if self.way == "squash":
            return [Box(0, 0, height, width)]
        if self.way == "cover":
            side = min(height, width)
            return [Box(top, left, side, side) for top in _spread(height, side) for left in _spread(width, side)]
        if min(height, width) < self.size:
            raise BadImage("crops", f"{height} x {width} pixels are less than a crop of {self.size}; use --crops cover")
        if self.way == "grid":
            starts = [[(n - n // self.size * self.size) // 2 + k * self.size for k in range(n // self.size)] for n in (height, width)]
            return [Box(top, left, self.size, self.size) for top in starts[0] for left in starts[1]]
        drawn = random.Random(f"{self.seed} {height} {width}")
        places = [(drawn.randint(0, height - self.size), drawn.randint(0, width - self.size)) for _ in range(_DRAWN)]
        return [Box(top, left, self.size, self.size) for top, left in places]

    def rows_of(self, site: Array, /) -> int:
        """How many rows a site has.

        Parameters
        ----------
        site
            (..., H, W).

        Returns
        -------
        int
            One, or the number of its crops.

        """
        return len(self.boxes(*site.shape[-2:])) if self.instances else 1

    def embedded(self, sites: Sequence[Array], embed: Callable[[Array], Floats], /) -> Floats:
        """The rows of some sites: each crop through an encoder, then their mean, or all of them.

        Parameters
        ----------
        sites
            (C, H, W) each; sites of one size go through the encoder together.
        embed
            From (n, C, h, w) to (n, F).

        Returns
        -------
        Floats
            (rows, F), site after site.

        """
        rows: dict[int, Floats] = {}
        for shape in sorted({site.shape for site in sites}):
            same = [number for number, site in enumerate(sites) if site.shape == shape]
            images = np.stack([sites[number] for number in same])
            each = np.stack([embed(box.of(images)) for box in self.boxes(*shape[-2:])], axis=1)
            rows |= dict(zip(same, each if self.instances else each.mean(axis=1, keepdims=True), strict=True))
        return np.concatenate([rows[number] for number in range(len(sites))])

    @property
    def described(self) -> dict[str, object]:
        """What a record says of them."""
        drawn: dict[str, object] = {"seed": self.seed} if self.way == "random" else {}
        return {"way": self.way, "instances": self.instances, **drawn}


def _spread(length: int, side: int) -> list[int]:
    """Where the fewest squares that cover a length begin, evenly spread."""
    count = -(-length // side)
    return [round(k * (length - side) / (count - 1)) for k in range(count)] if count > 1 else [0]
