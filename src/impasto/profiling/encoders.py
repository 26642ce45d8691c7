"""What turns the pixels of a site into rows of features: a frozen net, on each channel alone or on several together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from impasto import devices
from impasto.feature_names import embedding_names
from impasto.nets.encoders import vision
from impasto.nets.encoders.reading import TOGETHER, Reading
from impasto.nets.encoders.vision import VisionEncoder
from impasto.plates.crops import Crops
from impasto.plates.of_crops import OfCrops
from impasto.profiling.preprocess import resized, scaled, to_encoder
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]


class SiteEncoder(Protocol):
    """Sites -> features, in two steps: `prepare` one site while it is read, then embed several together."""

    def channels(self, available: Sequence[str], /) -> list[str]:
        """Which channels to read, in which order.

        Parameters
        ----------
        available
            Those of the images.

        Returns
        -------
        list[str]
            Their names.

        Raises
        ------
        InputError
            Where the encoder cannot read these channels.

        """

    def features(self, channels: Sequence[str], /) -> list[str]:
        """The names of the features.

        Parameters
        ----------
        channels
            Those that are read.

        Returns
        -------
        list[str]
            F names.

        """

    def describe(self) -> dict[str, object]:
        """What the profiles must say of the encoder.

        Returns
        -------
        dict[str, object]
            `name`, and of `identity`'s other keys those that apply.

        """

    def prepare(self, site: Array, /) -> Array:
        """One site as `__call__` takes it.

        Parameters
        ----------
        site
            Pixels (C, H, W), as the microscope wrote them.

        Returns
        -------
        Array
            What is kept of the site until it is embedded.

        Raises
        ------
        BadImage
            Where the site has no features.

        """

    def __call__(self, sites: Sequence[Array], /) -> Floats:
        """The features of some sites.

        Parameters
        ----------
        sites
            N prepared sites.

        Returns
        -------
        Floats
            (N, F).

        """


@runtime_checkable
class Cropping(Protocol):
    """An encoder of sites that may give several rows a site."""

    def rows_of(self, site: Array, /) -> int:
        """How many rows a site has.

        Parameters
        ----------
        site
            Prepared, (..., H, W).

        Returns
        -------
        int
            One, or the number of its crops.

        """


@dataclass(frozen=True)
class EachChannel(OfCrops, SiteEncoder):
    """A vision encoder that sees each channel as a gray image of its own (Lu et al., CellCLIP, Eq. 2).

    Attributes
    ----------
    encoder
        Of gray images.
    crops
        How sites are cropped.

    """

    encoder: VisionEncoder
    crops: Crops

    def channels(self, available: Sequence[str], /) -> list[str]:
        return list(available)

    def features(self, channels: Sequence[str], /) -> list[str]:
        return [name for channel in channels for name in embedding_names(channel, self.encoder.width)]

    def describe(self) -> dict[str, object]:
        return {**self.encoder.describe(), "crops": self.crops.described}

    def _embed(self, images: Array) -> Floats:
        planes = torch.from_numpy(images.reshape(-1, *images.shape[2:]))
        reading = self.encoder.reading
        seen = to_encoder(planes, size=self.encoder.size, repeat=reading.planes, normalise=reading.normalise)
        return self.encoder(seen).reshape(len(images), -1).numpy()


@dataclass(frozen=True)
class Together(OfCrops, SiteEncoder):
    """A vision encoder that sees several channels of a site at once, always the same ones in the same order.

    Attributes
    ----------
    encoder
        Of images whose planes are channels.
    crops
        How sites are cropped.

    """

    encoder: VisionEncoder
    crops: Crops

    def channels(self, available: Sequence[str], /) -> list[str]:
        missing = [name for name in self.encoder.reading.order if name not in available]
        if missing:
            raise InputError(
                f"{self.encoder.name} reads the channels {', '.join(self.encoder.reading.order)}, and these images have "
                f"{', '.join(available)}; {', '.join(missing)} is missing: name the channels of these images with --order, or ingest them "
                "with their names (--channels)"
            )
        return list(self.encoder.reading.order)

    def features(self, channels: Sequence[str], /) -> list[str]:  # noqa: ARG002 - one embedding of all channels together
        return embedding_names("", self.encoder.width)

    def describe(self) -> dict[str, object]:
        return {**self.encoder.describe(), "crops": self.crops.described}

    def _embed(self, images: Array) -> Floats:
        light = resized(torch.from_numpy(np.ascontiguousarray(images)), size=self.encoder.size)
        return self.encoder(scaled(light, self.encoder.reading.normalise)).numpy()


def of_sites(encoder: VisionEncoder | SiteEncoder, /, *, crops: Crops | None = None) -> SiteEncoder:
    """The encoder as an encoder of sites: a vision encoder sees each channel on its own, or those of its order together.

    Parameters
    ----------
    encoder
        Of sites, or of images.
    crops
        How sites are cropped, of an encoder of images; by default squares that cover them.

    Returns
    -------
    SiteEncoder
        An encoder of sites.

    """
    if not isinstance(encoder, VisionEncoder):
        return encoder
    kind = Together if encoder.reading.input in TOGETHER else EachChannel
    return kind(encoder, crops or Crops("cover", encoder.size))


def vision_encoder(settings: EncoderSettings, /) -> SiteEncoder:
    """A packaged vision encoder, or a model of transformers by folder or hub name, as an encoder of sites.

    Parameters
    ----------
    settings
        The name of the encoder, how it is read, and how sites are cropped.

    Returns
    -------
    SiteEncoder
        The encoder.

    Raises
    ------
    InputError
        Where there is no encoder of that name, it cannot be read so, or its runtime is not installed.

    """
    net = vision.load(
        settings.encoder,
        layers=settings.layer,
        readout=settings.readout,
        size=settings.size,
        reading=Reading.of(settings.input, settings.normalise, tuple(settings.order)),
        call=settings.call,
        code=settings.code,
        accept_licence=settings.accept_licence,
        seed=settings.seed,
    )
    if settings.licence:
        net = replace(net, licence=settings.licence)
    if settings.runtime == "torch":
        net = net.on(devices.place(settings))
    else:
        from impasto.nets.encoders import openvino_int8

        net = openvino_int8.convert(net)
    return of_sites(net, crops=Crops(settings.crops, net.size, settings.seed, settings.instances))
