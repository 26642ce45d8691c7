"""Uneven light, taken out: one smooth field a plate and channel, from an average over its sites, by which every image is divided.

    f(x, y) = a + b x + c y + d x^2 + e x y + g y^2,   least squares on the mean over sites of I_s / mean(I_s);   I' = I / f

x and y run from -1 to 1 across the image; f is scaled to a mean of 1 and is nowhere below FLOOR. Singh, Bray, Jones & Carpenter 2014,
J. Microscopy 256, 231 (an average over the plate's images, smoothed, divided out); CellProfiler's CorrectIlluminationCalculate,
"Regular", smoothed by "Fit Polynomial".

Departures: each site is divided by its own mean first, so that one of bright debris counts as one site. The average is taken on a
grid of 64 x 64 blocks, over a seeded sample of the plate's sites, so memory and time do not grow with the plate. Mean 1, not the minimum.
A polynomial instead of a median or Gaussian filter: a filter bends a field at the border, where it is steepest. As there, the dark level
of the camera is not taken off first: where it is a large share of the light, f is too flat.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, runs, schema
from impasto.plates import files, read
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.schema import InputError

GRID = 64
FLOOR = 0.2
LEAST, MOST = 16, 200
"""From fewer sites than LEAST a field would show their cells, and none is taken; no more than MOST are read."""
_NAMES = ("constant", "x", "y", "xx", "xy", "yy")
Array = npt.NDArray[np.generic]
Numbers = npt.NDArray[np.float64]
Light = Callable[[int, Array], Array]
"""The pixels (C, H, W) of a site by its number -> the same in even light, float32."""


@dataclass(frozen=True)
class Field:
    """The light of one channel.

    Attributes
    ----------
    terms
        a, b, c, d, e, g, scaled to a mean of 1.
    sites
        How many it was learned from.

    """

    terms: tuple[float, ...]
    sites: int

    def values(self, height: int, width: int, /) -> npt.NDArray[np.float32]:
        """The field of an image.

        Parameters
        ----------
        height, width
            Of the image, in pixels.

        Returns
        -------
        npt.NDArray[np.float32]
            (height, width), nowhere below `FLOOR`.

        """
        total = sum((a * term for a, term in zip(self.terms, _terms(height, width), strict=True)), np.zeros((height, width)))
        return np.maximum(total, FLOOR).astype(np.float32)

    @property
    def corner_to_centre(self) -> float:
        """The mean of the four corners (an eighth of the side each) over that of the central quarter."""
        side, middle = GRID // 8, slice(3 * GRID // 8, 5 * GRID // 8)
        whole = self.values(GRID, GRID)
        ends = np.r_[:side, -side:0]
        return float(whole[np.ix_(ends, ends)].mean() / whole[middle, middle].mean())


EVEN = Field((1.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0)


def _terms(height: int, width: int) -> list[Numbers]:
    """The six terms at the centre of every pixel, each as it broadcasts to (height, width)."""
    y = ((2 * np.arange(height) + 1) / height - 1)[:, np.newaxis]
    x = ((2 * np.arange(width) + 1) / width - 1)[np.newaxis, :]
    return [np.ones((1, 1)), x, y, x * x, x * y, y * y]


class Average:
    """The mean over sites of each channel on the grid, in bounded memory."""

    def __init__(self) -> None:
        self.total: Numbers | float = 0.0
        self.sites = 0

    def add(self, blocks: Numbers, /) -> None:
        """Add one site.

        Parameters
        ----------
        blocks
            (C, GRID, GRID) means, as the function `blocks` gives them.

        """
        mean = blocks.mean(axis=(1, 2), keepdims=True)
        # A channel without any light says nothing of the lamp, and is even.
        self.total = self.total + np.divide(blocks, mean, out=np.ones_like(blocks), where=mean > 0)
        self.sites += 1

    def fields(self, channels: Sequence[str], /, *, least: int = LEAST) -> dict[str, Field]:
        """The field of each channel.

        Parameters
        ----------
        channels
            C names, in the order of the blocks.
        least
            Sites that a field needs.

        Returns
        -------
        dict[str, Field]
            Channel -> its field, even light where there were fewer sites.

        """
        if self.sites < max(1, least) or isinstance(self.total, float):
            return {channel: Field(EVEN.terms, self.sites) for channel in channels}
        return {channel: fit(mean, sites=self.sites) for channel, mean in zip(channels, self.total / self.sites, strict=True)}


def fit(mean: Numbers, /, *, sites: int = 0) -> Field:
    """The least-squares field of an average image.

    Parameters
    ----------
    mean
        (GRID, GRID), the average over sites.
    sites
        How many these were.

    Returns
    -------
    Field
        Scaled to a mean of 1.

    """
    basis = np.stack([np.broadcast_to(term, mean.shape).ravel() for term in _terms(*mean.shape)], axis=1)
    terms = np.linalg.lstsq(basis, mean.ravel(), rcond=None)[0]
    return Field(tuple(float(t) for t in terms / (basis @ terms).mean()), sites)


def blocks(pixels: Array, /) -> Numbers:
    """The means of the blocks of an image.

    Parameters
    ----------
    pixels
        (C, H, W) of any size.

    Returns
    -------
    Numbers
        (C, GRID, GRID).

    """
    out = pixels.astype(np.float64)
    for axis in (1, 2):
        size = out.shape[axis]
        starts = np.arange(GRID) * size // GRID
        # Where an image is smaller than the grid, a start that comes twice takes its pixel twice.
        counts = np.maximum(1, np.diff(np.append(starts, size)))
        out = np.add.reduceat(out, starts, axis=axis) / counts.reshape([-1 if a == axis else 1 for a in range(3)])
    return out


def estimate(
    sites: Sites,
    plate: str,
    channels: Sequence[str],
    /,
    *,
    most: int = MOST,
    least: int = LEAST,
    seed: int = 0,
    skip: frozenset[str] = frozenset(),
) -> dict[str, Field]:
    """The field of every channel of a plate, from a sample of its sites.

    Parameters
    ----------
    sites
        All sites.
    plate
        One of `sites.plates()`.
    channels
        C stains.
    most
        Sites that are read; of more, so many are drawn by the seed and the plate's name.
    least
        Sites that can be read, which a field needs.
    seed
        Of the draw.
    skip
        Names of sites that are left out.

    Returns
    -------
    dict[str, Field]
        Channel -> its field, even light where there were fewer sites than `least`.

    """
    numbers = [n for n in sites.of_plate(plate) if sites.name(int(n)) not in skip]
    rng = np.random.default_rng([seed, zlib.crc32(plate.encode())])
    chosen = sorted(map(int, rng.permutation(numbers)[:most]))
    average = Average()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for of_site in pool.map(partial(_blocks_of, sites, channels), chosen):
            if of_site is not None:
                average.add(of_site)
    return average.fields(channels, least=least)


def _blocks_of(sites: Sites, channels: Sequence[str], number: int) -> Numbers | None:
    """The blocks of a site, or None where it cannot be read: extraction will say so with its reason."""
    try:
        return blocks(sites.image(number, channels=channels))
    except BadImage:
        return None


# ---------------------------------------------------------------- files of fields
def write(path: Path, plate: str, fields: dict[str, Field], /) -> None:
    """Write a table of fields: plate, channel, sites, corner_to_centre, and the six terms.

    Parameters
    ----------
    path
        Of the table.
    plate
        Its name.
    fields
        Channel -> its field.

    """
    rows = [
        {
            schema.PLATE: plate,
            schema.CHANNEL: c,
            "sites": f.sites,
            "corner_to_centre": f.corner_to_centre,
            **dict(zip(_NAMES, f.terms, strict=True)),
        }
        for c, f in fields.items()
    ]
    with runs.atomic(path) as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)


def load(path: Path, /) -> dict[str, Field]:
    """Read a table of fields.

    Parameters
    ----------
    path
        Of a table of one plate.

    Returns
    -------
    dict[str, Field]
        Channel -> its field.

    """
    rows = border.parquet(path).to_dict(orient="records")
    return {row[schema.CHANNEL]: Field(tuple(row[term] for term in _NAMES), row["sites"]) for row in rows}


# ---------------------------------------------------------------- ways to even light: (sites, plate, channels) -> Light
def none(sites: Sites, plate: str, channels: Sequence[str], /, *, kept: Path, seed: int, skip: frozenset[str]) -> Light:  # noqa: ARG001
    """Pixels as they are.

    Parameters
    ----------
    sites
        All sites.
    plate
        One of `sites.plates()`.
    channels
        C stains, in the order of the pixels.
    kept
        Not used.
    seed
        Not used.
    skip
        Not used.

    Returns
    -------
    Light
        It returns the pixels that it is given.

    """
    return lambda _, pixels: pixels


def estimated(sites: Sites, plate: str, channels: Sequence[str], /, *, kept: Path, seed: int, skip: frozenset[str]) -> Light:
    """Divide by fields estimated from the plate itself.

    Parameters
    ----------
    sites
        All sites.
    plate
        One of `sites.plates()`.
    channels
        C stains, in the order of the pixels.
    kept
        The table of the fields. It is written where it is not there, and read where it is.
    seed
        Of the draw of sites.
    skip
        Names of sites that no field is learned from.

    Returns
    -------
    Light
        The pixels (C, H, W) of a site -> the same, divided by the fields.

    """
    if not kept.exists():
        write(kept, plate, estimate(sites, plate, channels, seed=seed, skip=skip))
    fields = load(kept)

    @lru_cache(maxsize=2)
    def values(height: int, width: int) -> npt.NDArray[np.float32]:
        return np.stack([fields[channel].values(height, width) for channel in channels])

    return lambda _, pixels: np.asarray(pixels.astype(np.float32) / values(*pixels.shape[1:]))


def from_files(sites: Sites, plate: str, channels: Sequence[str], /, *, kept: Path, seed: int, skip: frozenset[str]) -> Light:  # noqa: ARG001
    """Divide by the functions that the images' LoadData table names, as CellProfiler does.

    Parameters
    ----------
    sites
        All sites.
    plate
        One of `sites.plates()`.
    channels
        C stains, in the order of the pixels.
    kept
        Not used.
    seed
        Not used.
    skip
        Not used.

    Returns
    -------
    Light
        The pixels (C, H, W) of a site -> the same, divided by the functions. It raises `BadImage` where that cannot be done.

    Raises
    ------
    InputError
        The images have no such functions.

    """
    if not sites.has_illumination:
        raise InputError(
            f"{sites.folder} names no illumination functions (FileName_Illum<Channel> of a LoadData table); take --illumination estimate "
            "or none"
        )

    def even(number: int, pixels: Array) -> Array:
        out = np.empty(pixels.shape, dtype=np.float32)
        for index, path in enumerate(sites.illumination(number, channels)):
            values = _function(path)
            if values.shape != pixels.shape[1:]:
                raise BadImage(path, f"the illumination function is {values.shape}, the image {pixels.shape[1:]}")
            out[index] = pixels[index] / values
        return out

    return even


@lru_cache(maxsize=16)
def _function(path: str) -> npt.NDArray[np.float32]:
    """An illumination function (H, W) of a .npy or an image. Raises BadImage where it cannot be divided by."""
    if path.endswith(".npy"):
        try:
            border.refuse_odd(files.local(path))
            values = np.load(files.local(path), allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadImage(path, f"the illumination function cannot be read ({error})") from error
    else:
        values = read.plane(path)
    if values.ndim != 2 or not np.isfinite(values).all() or (values <= 0).any():
        raise BadImage(path, "the illumination function is not a plane of positive numbers")
    return np.asarray(values, dtype=np.float32)


WAYS = {"none": none, "estimate": estimated, "files": from_files}
