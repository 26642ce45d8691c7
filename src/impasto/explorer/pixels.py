"""The pixels of a plane as 16-bit whole numbers: a part of a field, made smaller by means of 2 x 2.

Planes of other kinds (floating point, 32 bits) are clipped to the window of their plate and channel, and scaled to 0..65535. Planes that
were read lately are kept, 256 MB of them at most, and two are decoded at a time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.plates.planes import PATH
from impasto.plates.read import BadImage
from impasto.plates.sites import plane_of
from impasto.schema import InputError

Plane = npt.NDArray[np.uint16]
CACHE_BYTES = 256 * 2**20
DECODERS = 2
SIDE = 2048
"""A box is at most this wide and high before it is made smaller."""
MOST_SHRUNK = 4
LARGEST = 65_535


@dataclass(frozen=True)
class Box:
    """A part of a field, in pixels of the whole field.

    Attributes
    ----------
    x, y
        Of its upper left corner.
    width, height
        Its sides.

    """

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def of(cls, text: str, /) -> Box:
        """Read `x,y,w,h`.

        Parameters
        ----------
        text
            Four whole numbers.

        Returns
        -------
        Box
            The box.

        Raises
        ------
        InputError
            The text is not four whole numbers, or the box is empty.

        """
        parts = text.split(",")
        try:
            x, y, width, height = map(int, parts)
        except ValueError:
            raise InputError(f"box is {text!r}; write four whole numbers x,y,w,h, for example box=0,0,512,512") from None
        if x < 0 or y < 0 or width < 1 or height < 1:
            raise InputError(f"box is {text!r}; x and y are 0 or more, w and h are 1 or more")
        return cls(x, y, width, height)


class Planes:
    """The planes of an index.

    Parameters
    ----------
    images
        One row a plane, as `images.parquet`.
    windows
        One row a plate and channel, as `windows.parquet`.
    root
        The folder that paths are relative to.
    cache_bytes
        So many bytes of planes are kept.

    """

    def __init__(self, images: pd.DataFrame, windows: pd.DataFrame, root: str, *, cache_bytes: int = CACHE_BYTES) -> None:
        self.images, self.root, self.cache_bytes = images, root, cache_bytes
        keys = zip(windows[schema.PLATE], windows[schema.CHANNEL], strict=True) if len(windows) else ()
        self.windows = dict(zip(keys, windows.to_dict(orient="records"), strict=True)) if len(windows) else {}
        self._planes: OrderedDict[int, Plane] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._decoders = threading.Semaphore(DECODERS)

    def part(self, image: int, /, *, box: Box | None, shrink: int) -> Plane:
        """A part of a plane.

        Parameters
        ----------
        image
            The row of the plane.
        box
            The part; None for the whole field. What lies outside of the field is cut off.
        shrink
            How many times 2 x 2 pixels become their mean.

        Returns
        -------
        Plane
            (h, w) of uint16.

        Raises
        ------
        InputError
            The box lies outside of the field or is too large to be sent, or the image cannot be read.

        """
        if not 0 <= shrink <= MOST_SHRUNK:
            raise InputError(f"shrink is {shrink}; it lies between 0 and {MOST_SHRUNK}")
        plane = self.plane(image)
        height, width = plane.shape
        box = box or Box(0, 0, width, height)
        if box.x >= width or box.y >= height:
            raise InputError(f"the box begins at {box.x},{box.y}, outside of the field of {width} x {height} pixels")
        part = plane[box.y : box.y + box.height, box.x : box.x + box.width]
        if max(part.shape) > SIDE << shrink:
            sides = f"{part.shape[1]} x {part.shape[0]}"
            raise InputError(f"{sides} pixels are more than {SIDE} x {SIDE} at once; ask for a smaller box, or for shrink={shrink + 1}")
        return shrunk(part, shrink)

    def plane(self, image: int, /) -> Plane:
        """A whole plane, kept for the next time.

        Parameters
        ----------
        image
            Its row.

        Returns
        -------
        Plane
            (H, W) of uint16.

        Raises
        ------
        InputError
            It cannot be read.

        """
        with self._lock:
            if image in self._planes:
                self._planes.move_to_end(image)
                return self._planes[image]
        row = self.images.iloc[image].to_dict()
        with self._decoders:
            plane = self._decoded(row)
        with self._lock:
            if image not in self._planes:
                self._planes[image] = plane
                self._bytes += plane.nbytes
            while self._bytes > self.cache_bytes and len(self._planes) > 1:
                _, oldest = self._planes.popitem(last=False)
                self._bytes -= oldest.nbytes
        return plane

    def _decoded(self, row: Mapping[Any, Any]) -> Plane:
        try:
            pixels = plane_of(row, root=self.root)
        except BadImage as error:
            raise InputError(f"the image {row[PATH]} cannot be read: {error.reason}") from None
        window = self.windows.get((row[schema.PLATE], row[schema.CHANNEL]))
        return whole_numbers(pixels, window)


def whole_numbers(pixels: npt.NDArray[np.generic], window: Mapping[Any, Any] | None, /) -> Plane:
    """Pixels of any kind as 16-bit whole numbers.

    Parameters
    ----------
    pixels
        (H, W).
    window
        `low`, `high` and `scaled` of the plate and channel; None for the range of the pixels themselves.

    Returns
    -------
    Plane
        (H, W) the pixels themselves where they are unsigned of 16 bits or less and the window is not `scaled`; else clipped to the window
        and scaled to 0..65535. A pixel that is no number is 0.

    """
    small = np.issubdtype(pixels.dtype, np.unsignedinteger) and pixels.dtype.itemsize <= 2
    if small and not (window is not None and window["scaled"]):
        return np.ascontiguousarray(pixels, dtype="<u2")
    values = pixels.astype(np.float64)
    finite = values[np.isfinite(values)]
    ends = (window["low"], window["high"]) if window is not None else (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    low, high = float(ends[0]), float(ends[1])
    scaled = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1) * LARGEST
    return np.ascontiguousarray(np.nan_to_num(scaled, nan=0.0).round(), dtype="<u2")


def shrunk(pixels: Plane, times: int, /) -> Plane:
    """Pixels made smaller: the mean of each block of pixels, rounded once.

    Parameters
    ----------
    pixels
        (h, w).
    times
        How many times each side is halved: blocks are 2^times wide and high.

    Returns
    -------
    Plane
        (ceil(h / 2^times), ceil(w / 2^times)); at the edge, the mean of the pixels that there are. Halves are rounded up.

    """
    if not times:
        return np.ascontiguousarray(pixels)
    starts = [np.arange(0, side, 1 << times) for side in pixels.shape]
    sums = np.add.reduceat(np.add.reduceat(pixels, starts[0], axis=0, dtype=np.uint32), starts[1], axis=1)
    down, across = (np.diff([*first, side]) for first, side in zip(starts, pixels.shape, strict=True))
    counts = np.outer(down, across).astype(np.uint32)
    return np.ascontiguousarray((2 * sums + counts) // (2 * counts), dtype="<u2")
