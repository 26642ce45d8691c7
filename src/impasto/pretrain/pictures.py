"""The pixels that image-only methods read: sites in 8 bit, channels by name in one order, kept in memory up to a budget.

Every site is read once before the training: what cannot be read is left out, with its reason, and the mean and sd of each channel are
measured on the way. What fits into the budget stays; the rest is read again when it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from impasto import progress
from impasto.plates.eight_bit import to_8_bit
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.schema import InputError

Pixels = npt.NDArray[np.uint8]
_SMALLEST = 1e-3
_TOGETHER = 32


class HasPixels(Protocol):
    """What views are cut out of: pixels by the number of a site, their channels in order."""

    channels: list[str]

    def __getitem__(self, number: int, /) -> Tensor:
        """Light 0..1, float32 (C, H, W)."""


class Pictures:
    """The pixels of sites, by the number of the site.

    `mean` and `spread` (C,) are of light 0 to 1. `bad` lists the sites that cannot be read, `readable` the numbers of the others.

    Parameters
    ----------
    sites
        Ingested images.
    channels
        The stains to read, in order.
    longest
        The longest side in pixels; larger sites are made smaller. None leaves them.
    memory_mb
        How much of the pixels is kept, in MiB.
    among
        The numbers of the sites to read; None: all.

    """

    def __init__(
        self, sites: Sites, /, *, channels: Sequence[str], longest: int | None, memory_mb: int, among: Sequence[int] | None = None
    ) -> None:
        self.among = range(len(sites)) if among is None else among
        self.sites, self.channels, self.longest = sites, list(channels), longest
        self.bad: list[dict[str, str]] = []
        self.readable: list[int] = []
        self._cached: dict[int, Pixels] = {}
        self._look(memory_mb * 2**20)

    def __getitem__(self, number: int) -> Tensor:
        """The pixels of a site, light 0..1, float32 (C, H, W)."""
        cached = self._cached.get(number)
        return torch.from_numpy(self._read(number) if cached is None else cached).float() / 255

    def _look(self, budget: int) -> None:
        sums, squares, pixels = np.zeros(len(self.channels)), np.zeros(len(self.channels)), 0
        with progress.bar(what="reading", unit="site", total=len(self.among), done=0) as advance, ThreadPoolExecutor(max_workers=2) as pool:
            for number, pixels_or_error in self._tried(pool):
                advance(1)
                if isinstance(pixels_or_error, BadImage):
                    name = self.sites.name(number)
                    self.bad.append({"site": name, "reason": pixels_or_error.told(without=name)})
                    continue
                self.readable.append(number)
                light = pixels_or_error.reshape(len(pixels_or_error), -1) / np.float64(255)
                sums, squares, pixels = sums + light.sum(axis=1), squares + (light**2).sum(axis=1), pixels + light.shape[1]
                if (budget := budget - pixels_or_error.nbytes) >= 0:
                    self._cached[number] = pixels_or_error
        if not self.readable:
            raise InputError(
                f"none of the {len(self.among)} sites could be read (first: {self.bad[0]['reason']}); list what is damaged with: "
                "impasto check INGESTED --out CHECKED"
            )
        self.mean = sums / pixels
        self.spread = np.sqrt(np.maximum(squares / pixels - self.mean**2, _SMALLEST**2))

    def _tried(self, pool: ThreadPoolExecutor) -> Iterator[tuple[int, Pixels | BadImage]]:
        """Every site in order, read by the pool a few at a time, so that no more than those wait in memory."""
        for first in range(0, len(self.among), _TOGETHER):
            numbers = self.among[first : first + _TOGETHER]
            yield from zip(numbers, pool.map(self._try, numbers), strict=True)

    def _try(self, number: int) -> Pixels | BadImage:
        try:
            return self._read(number)
        except BadImage as error:
            return error

    def _read(self, number: int) -> Pixels:
        pixels = np.stack([to_8_bit(plane) for plane in self.sites.image(number, channels=self.channels)])
        return pixels if self.longest is None else _at_most(pixels, self.longest)


def _at_most(pixels: Pixels, longest: int) -> Pixels:
    """The same image with no side longer than `longest`, antialiased."""
    share = longest / max(pixels.shape[1:])
    if share >= 1:
        return pixels
    size = [max(1, round(side * share)) for side in pixels.shape[1:]]
    smaller = functional.interpolate(torch.from_numpy(pixels)[None].float(), size=size, mode="bilinear", antialias=True)
    return smaller[0].round().clamp(0, 255).byte().numpy()
