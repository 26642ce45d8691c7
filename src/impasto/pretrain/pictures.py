"""The pixels that image-only methods read: sites in 8 bit, channels by name in one order, kept in memory up to a budget.

Every site is read once before the training: what cannot be read is left out, with its reason, and the mean and sd of each channel are
measured on the way. What fits into the budget stays; the rest is read again when it is drawn. With a cache all of it lies on disk in 8 bit,
for the next training too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from impasto import devices, progress
from impasto.plates.eight_bit import to_8_bit
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.pretrain.pixel_cache import PixelCache, light_of
from impasto.schema import InputError

Pixels = npt.NDArray[np.uint8]
_SMALLEST = 1e-3
_TOGETHER = 32


class HasPixels(Protocol):
    """What views are cut out of: pixels by the number of a site, their channels in order."""

    channels: list[str]

    def __getitem__(self, number: int, /) -> Tensor:
        """(C, H, W), 0 to 255; 8 bit where nothing is made up."""


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
    cache
        A folder where the pixels are kept in 8 bit, instead of in memory; see `pixel_cache`.

    """

    def __init__(
        self,
        sites: Sites,
        /,
        *,
        channels: Sequence[str],
        longest: int | None,
        memory_mb: int,
        among: Sequence[int] | None = None,
        cache: Path | None = None,
    ) -> None:
        self.among = range(len(sites)) if among is None else among
        self.sites, self.channels, self.longest = sites, list(channels), longest
        self.bad: list[dict[str, str]] = []
        self.readable: list[int] = []
        self._cached: dict[int, Pixels] = {}
        self._on_disk = None if cache is None else PixelCache(cache, sites, channels=channels, longest=longest)
        self._sums, self._squares, self._pixels = np.zeros(len(self.channels)), np.zeros(len(self.channels)), 0
        if self._on_disk is None:
            self._look(memory_mb * 2**20)
        else:
            self._fill(self._on_disk)
        self._close()

    def __getitem__(self, number: int) -> Tensor:
        """The pixels of a site, uint8 (C, H, W)."""
        if self._on_disk is not None:
            return torch.from_numpy(self._on_disk[number])
        cached = self._cached.get(number)
        return torch.from_numpy(self._read(number) if cached is None else cached)

    def _fill(self, on_disk: PixelCache) -> None:
        """Keep the plates on disk, once for all processes, and take what is known of their sites from there."""
        wanted = set(self.among)
        plates = [plate for plate in self.sites.plates() if wanted.intersection(map(int, self.sites.of_plate(plate)))]
        if devices.is_first():
            on_disk.fill(plates, self._try)
        devices.wait()
        for number in self.among:
            known = on_disk.known(number)
            if known["reason"] is not None:
                self.bad.append({"site": self.sites.name(number), "reason": str(known["reason"])})
                continue
            height, _, width = str(known["shape"]).partition("x")
            self._see(number, np.asarray(known["light"]), np.asarray(known["square"]), int(height) * int(width))

    def _look(self, budget: int) -> None:
        with progress.bar(what="reading", unit="site", total=len(self.among), done=0) as advance, ThreadPoolExecutor(max_workers=2) as pool:
            for number, pixels in self._tried(pool):
                advance(1)
                if isinstance(pixels, BadImage):
                    name = self.sites.name(number)
                    self.bad.append({"site": name, "reason": pixels.told(without=name)})
                    continue
                self._see(number, *light_of(pixels), pixels[0].size)
                if (budget := budget - pixels.nbytes) >= 0:
                    self._cached[number] = pixels

    def _see(self, number: int, light: npt.NDArray[np.float64], square: npt.NDArray[np.float64], count: int) -> None:
        self.readable.append(number)
        self._sums, self._squares, self._pixels = self._sums + light, self._squares + square, self._pixels + count

    def _close(self) -> None:
        if not self.readable:
            raise InputError(
                f"none of the {len(self.among)} sites could be read (first: {self.bad[0]['reason']}); list what is damaged with: "
                "impasto check INGESTED --out CHECKED"
            )
        self.mean = self._sums / self._pixels
        self.spread = np.sqrt(np.maximum(self._squares / self._pixels - self.mean**2, _SMALLEST**2))

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
