"""Sites in 8 bit on disk, one array a plate, mapped into memory: a second training starts at once, and processes share the pages.

    FOLDER/<key>/SOURCE/BATCH/PLATE.<H>x<W>.npy     (sites of the plate, C, H, W) uint8
    FOLDER/<key>/SOURCE/BATCH/PLATE.parquet         for each site its shape, its light, or why it cannot be read; written last

The key is made of the ingested images, the channels in their order, and the longest side. A site has the same place in the array of every
shape, so places of other shapes are holes in the file, which take no disk. Each file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, need, progress, schema, whole
from impasto.need import Need
from impasto.plates.digest import digest
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites

Pixels = npt.NDArray[np.uint8]
Read = Callable[[int], Pixels | BadImage]
"""The pixels of a site by its number, or why there are none."""
_TOGETHER = 32


class PixelCache:
    """The sites of an ingested folder in 8 bit, on disk.

    Parameters
    ----------
    folder
        Where it lies, beside those of other images.
    sites
        Ingested images.
    channels
        The stains, in order.
    longest
        The longest side in pixels; None leaves sites as they are.

    """

    def __init__(self, folder: Path, sites: Sites, /, *, channels: Sequence[str], longest: int | None) -> None:
        said = json.dumps([digest(sites.folder), list(channels), longest])
        self.folder = folder / hashlib.sha256(said.encode()).hexdigest()[:16]
        self.sites, self.channels = sites, list(channels)
        self._maps: dict[tuple[str, str], Pixels] = {}
        self._tables: dict[str, pd.DataFrame] = {}
        self._place: dict[int, tuple[str, int]] = {}
        for plate in sites.plates():
            self._place |= {int(number): (plate, place) for place, number in enumerate(sites.of_plate(plate))}

    def fill(self, plates: Sequence[str], read: Read, /) -> None:
        """Write the plates that are not there yet.

        Parameters
        ----------
        plates
            Names of plates.
        read
            Gives the pixels of a site.

        Raises
        ------
        Unfinished
            Where the disk has too little room.

        """
        missing = [plate for plate in plates if not self._table_of(plate).exists()]
        if not missing:
            return
        total = sum(len(self.sites.of_plate(plate)) for plate in missing)
        with progress.bar(what="keeping in 8 bit", unit="site", total=total) as advance:
            for number, plate in enumerate(missing):
                left = sum(len(self.sites.of_plate(later)) for later in missing[number:])
                self._write(plate, read, advance, left=left)

    def _write(self, plate: str, read: Read, advance: progress.Advance, *, left: int) -> None:
        numbers = [int(n) for n in self.sites.of_plate(plate)]
        self._table_of(plate).parent.mkdir(parents=True, exist_ok=True)
        open_files: dict[str, tuple[Pixels, Path]] = {}
        lines: list[dict[str, object]] = []
        try:
            with ThreadPoolExecutor(max_workers=2) as pool:
                for first in range(0, len(numbers), _TOGETHER):
                    for place, pixels in enumerate(pool.map(read, numbers[first : first + _TOGETHER]), start=first):
                        lines.append(self._put(plate, place, pixels, open_files, count=len(numbers), left=left))
                        advance(1)
            for shape, (array, temporary) in open_files.items():
                array.flush()  # type: ignore[attr-defined]
                temporary.replace(self._array_of(plate, shape))
        finally:
            for _, temporary in open_files.values():
                temporary.unlink(missing_ok=True)
        with whole.replacing(self._table_of(plate)) as written:
            pd.DataFrame(lines).to_parquet(written, index=False)

    def _put(
        self,
        plate: str,
        place: int,
        pixels: Pixels | BadImage,
        open_files: dict[str, tuple[Pixels, Path]],
        *,
        count: int,
        left: int,
    ) -> dict[str, object]:
        """One site into the array of its shape; the line that tells of it."""
        if isinstance(pixels, BadImage):
            name = self.sites.name(int(self.sites.of_plate(plate)[place]))
            return {"shape": None, "reason": pixels.told(without=name), "light": None, "square": None}
        shape = f"{pixels.shape[1]}x{pixels.shape[2]}"
        if shape not in open_files:
            self._refuse_full_disk(left * pixels.nbytes)
            temporary = self._array_of(plate, shape).with_name(f".{self._array_of(plate, shape).name}.partial-cache")
            array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(count, *pixels.shape))
            open_files[shape] = (array, temporary)
        open_files[shape][0][place] = pixels
        light, square = light_of(pixels)
        return {"shape": shape, "reason": None, "light": light.tolist(), "square": square.tolist()}

    def _refuse_full_disk(self, needed: int) -> None:
        room = "give a smaller longest, name another folder as cache, leave cache out"
        need.refuse(Need(0, needed, "", room=room), self.folder)

    def known(self, number: int, /) -> dict[str, object]:
        """What is known of a site.

        Parameters
        ----------
        number
            Of the site.

        Returns
        -------
        dict[str, object]
            `reason`, where it cannot be read; else `shape`, and `light` and `square`: the sums over its pixels, light 0 to 1, a channel.

        """
        plate, place = self._place[number]
        if plate not in self._tables:
            self._tables[plate] = border.parquet(self._table_of(plate))
        return dict(self._tables[plate].iloc[place])

    def __getitem__(self, number: int, /) -> Pixels:
        """The pixels of a site (C, H, W), read when they are used. Copy-on-write: nothing can change the file."""
        plate, place = self._place[number]
        shape = str(self.known(number)["shape"])
        if (plate, shape) not in self._maps:
            self._maps[plate, shape] = np.load(self._array_of(plate, shape), mmap_mode="c")
        pixels: Pixels = self._maps[plate, shape][place]
        return pixels

    def _table_of(self, plate: str) -> Path:
        first = self.sites.table.iloc[int(self.sites.of_plate(plate)[0])]
        parts = [
            str(first[word]) if word in first and pd.notna(first[word]) else "-" for word in (schema.SOURCE, schema.BATCH, schema.PLATE)
        ]
        source, batch, name = (quote(part, safe=" ") for part in parts)
        return self.folder / source / batch / f"{name}.parquet"

    def _array_of(self, plate: str, shape: str) -> Path:
        table = self._table_of(plate)
        return table.with_name(f"{table.stem}.{shape}.npy")


def light_of(pixels: Pixels, /) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The light of a site: sums over pixels of light 0 to 1 and of its square.

    Parameters
    ----------
    pixels
        (C, H, W).

    Returns
    -------
    tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
        (C,) each.

    """
    light = pixels.reshape(len(pixels), -1) / np.float64(255)
    return light.sum(axis=1), (light**2).sum(axis=1)
