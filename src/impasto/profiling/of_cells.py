"""Features of single cells beyond their shape: CellProfiler's by cp_measure, or those of a frozen encoder on a crop of each cell.

A crop is cut at the images' own scale around the nucleus. Neighbours stay, or are zeroed. Each channel is shown through one window of its
plate, so that a dim cell stays dim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.cells import crops, measure
from impasto.cells.measure import COMPARTMENTS, More, Numbers, scaled
from impasto.cells.segment import Objects, Plane
from impasto.devices import DeviceSettings
from impasto.profiling import ENCODERS
from impasto.profiling.classical import CpMeasure
from impasto.profiling.encoders import EachChannel, SiteEncoder, Together, of_sites
from impasto.profiling.extract import open_encoder
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError

SHAPE = "shape"
"""What is always measured: shape, brightness and focus (`cells.measure`)."""
_TOGETHER = 64


def more(names: Sequence[str], channels: Sequence[str], /, *, place: DeviceSettings, masked: bool = False) -> list[More]:
    """What is measured beyond shapes.

    Parameters
    ----------
    names
        `shape`, `cp_measure`, `cp_measure_fast`, or names of encoders.
    channels
        Of the images.
    place
        Where encoders run, and in what precision.
    masked
        Whether encoders see each cell alone, its neighbours zeroed.

    Returns
    -------
    list[More]
        In the same order, without `shape`.

    Raises
    ------
    InputError
        There is no such encoder, it gives several rows an image, or it does not read these channels.

    """
    made: list[More] = []
    for name in names:
        if name == SHAPE:
            continue
        if name not in ENCODERS:
            raise InputError(f"unknown features {name!r}; allowed: {SHAPE}, {', '.join(ENCODERS)}")
        encoder = open_encoder(EncoderSettings(encoder=name, **place.model_dump()), _Channels(list(channels)))  # type: ignore[arg-type]
        made.append(OfCpMeasure(encoder) if isinstance(encoder, CpMeasure) else OfEncoder(of_sites(encoder), name, masked=masked))
    return made


@dataclass(frozen=True)
class _Channels:
    """All that an encoder asks of images before it reads one."""

    channels: list[str]


@dataclass(frozen=True)
class OfCpMeasure:
    """CellProfiler's features of each cell.

    Attributes
    ----------
    encoder
        What measures.

    """

    encoder: CpMeasure

    def names(self, channels: Sequence[str], /) -> list[str]:
        ordered = self.encoder.channels(channels)
        own = set(measure.names(channels))
        return [name for name in self.encoder.features(ordered)[1:] if name not in own]

    def of_site(
        self,
        planes: Mapping[str, Plane],
        objects: Objects,
        /,
        *,
        centers: Numbers,  # noqa: ARG002 - it measures labels
        windows: Numbers,  # noqa: ARG002
        side: int,  # noqa: ARG002
    ) -> Numbers:
        channels = list(planes)
        ordered = self.encoder.channels(channels)
        pixels = np.stack([scaled(planes[name]) for name in ordered])
        values: dict[str, Numbers] = {}
        for compartment, labels in zip(COMPARTMENTS, (objects.cells, objects.cytoplasm, objects.nuclei), strict=True):
            there, numbered = np.unique(labels, return_inverse=True)
            there = there[there > 0]
            if not len(there):
                continue
            close = numbered.reshape(labels.shape).astype(np.int32) + (0 if (labels == 0).any() else 1)
            for name, own in self.encoder.of_objects(pixels, close, ordered):
                whole = np.full(objects.count, np.nan)
                whole[there - 1] = own
                values[f"{compartment}_{name}"] = whole
        missing = np.full(objects.count, np.nan)
        return np.stack([values.get(name, missing) for name in self.names(channels)], axis=1)


@dataclass(frozen=True)
class OfEncoder:
    """The embedding of a crop of each cell.

    Attributes
    ----------
    encoder
        A frozen encoder of sites, which sees a crop as a site.
    name
        Of the encoder.
    masked
        Whether the neighbours of a cell are zeroed. Its features are named apart, as they cannot be compared with others.

    """

    encoder: SiteEncoder
    name: str
    masked: bool = False

    def names(self, channels: Sequence[str], /) -> list[str]:
        stem = f"Cells_{self.name}{'_masked' if self.masked else ''}"
        return [f"{stem}_{feature}" for feature in self.encoder.features(self.encoder.channels(channels))]

    def of_site(
        self,
        planes: Mapping[str, Plane],
        objects: Objects,
        /,
        *,
        centers: Numbers,
        windows: Numbers,
        side: int,
    ) -> Numbers:
        channels = list(planes)
        chosen = self.encoder.channels(channels)
        at = [channels.index(name) for name in chosen]
        image = np.stack([planes[name] for name in chosen])
        low, high = (windows[at, end][:, None, None] for end in (0, 1))
        parts = []
        for first in range(0, len(centers), _TOGETHER):
            cut: list[npt.NDArray[Any]] = [crops.around(image, center, side)[0] for center in centers[first : first + _TOGETHER]]
            if self.masked:
                cut = [crops.alone(c, objects.cells, centers[n], n + 1) for n, c in enumerate(cut, start=first)]
            if isinstance(self.encoder, EachChannel | Together):
                # What it prepares is a stretch to 8 bit, site by site: the window of the plate stands for it.
                ready: list[npt.NDArray[np.generic]] = [
                    (255 * np.clip((crop - low) / np.maximum(high - low, 1e-9), 0, 1)).astype(np.uint8) for crop in cut
                ]
            else:
                ready = [self.encoder.prepare(crop) for crop in cut]
            parts.append(self.encoder(ready).astype(np.float64))
        width = len(self.names(channels))
        return np.concatenate(parts) if parts else np.empty((0, width))
