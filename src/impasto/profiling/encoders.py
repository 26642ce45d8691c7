"""What turns the pixels of a site into a row of features: a frozen net on each channel, or statistics of intensity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from impasto.feature_names import embedding_names
from impasto.nets.encoders import vision
from impasto.nets.encoders.vision import VisionEncoder
from impasto.plates.eight_bit import to_8_bit
from impasto.profiling.preprocess import to_encoder
from impasto.profiling.settings import EncoderSettings

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


@dataclass(frozen=True)
class EachChannel:
    """A vision encoder that sees each channel as a gray image of its own (Lu et al., CellCLIP, Eq. 2).

    Attributes
    ----------
    encoder
        Of gray images.

    """

    encoder: VisionEncoder

    def channels(self, available: Sequence[str], /) -> list[str]:
        return list(available)

    def features(self, channels: Sequence[str], /) -> list[str]:
        return [name for channel in channels for name in embedding_names(channel, self.encoder.width)]

    def describe(self) -> dict[str, object]:
        return {
            "name": self.encoder.name,
            "sha256": self.encoder.sha256,
            "layer": self.encoder.layer,
            "readout": self.encoder.readout,
            "size": self.encoder.size,
            "preprocessing": "8 bit by brightest share 0.000028; gray as RGB; bilinear antialiased; ImageNet mean and sd",
            "runtime": self.encoder.runtime,
            "licence": self.encoder.licence,
        }

    def prepare(self, site: Array, /) -> Array:
        return np.stack([to_8_bit(plane) for plane in site])

    def __call__(self, sites: Sequence[Array], /) -> Floats:
        out = np.empty((len(sites), len(sites[0]) * self.encoder.width), dtype=np.float32)
        for shape in sorted({site.shape for site in sites}):  # sites of one size share a batch
            same = [i for i, site in enumerate(sites) if site.shape == shape]
            planes = torch.from_numpy(np.concatenate([sites[i] for i in same]))
            out[same] = self.encoder(to_encoder(planes, size=self.encoder.size)).reshape(len(same), -1).numpy()
        return out


def of_sites(encoder: VisionEncoder | SiteEncoder, /) -> SiteEncoder:
    """The encoder as an encoder of sites: a vision encoder sees each channel on its own.

    Parameters
    ----------
    encoder
        Of sites, or of images.

    Returns
    -------
    SiteEncoder
        An encoder of sites.

    """
    return EachChannel(encoder) if isinstance(encoder, VisionEncoder) else encoder


def vision_encoder(settings: EncoderSettings, /) -> VisionEncoder:
    """A packaged vision encoder, or a model of transformers by folder or hub name.

    Parameters
    ----------
    settings
        The name of the encoder, and how it is read.

    Returns
    -------
    VisionEncoder
        The encoder.

    Raises
    ------
    InputError
        Where there is no encoder of that name, or its runtime is not installed.

    """
    net = vision.load(settings.encoder, layer=settings.layer, pooling=settings.pooling, size=settings.size, seed=settings.seed)
    if settings.runtime == "torch":
        return net
    from impasto.nets.encoders import openvino_int8

    return openvino_int8.convert(net)


def intensity(_: EncoderSettings, /) -> Intensity:
    """Statistics of the raw pixels; nothing to set.

    Returns
    -------
    Intensity
        The encoder.

    """
    return Intensity()


_PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


class Intensity:
    """Fourteen statistics of each channel's raw pixels, and nothing learned: what a trained encoder must be better than.

    They are the mean, the sd, seven percentiles, the skewness, and the shares of light in the brightest 1, 5 and 25 % of pixels. The last
    is how coarse the light is: the sd of a 3 x 3 mean over the sd of all.
    """

    names = ("mean", "sd", *(f"p{q:02d}" for q in _PERCENTILES), "skewness", "top01", "top05", "top25", "coarseness")

    def channels(self, available: Sequence[str], /) -> list[str]:
        return list(available)

    def features(self, channels: Sequence[str], /) -> list[str]:
        return [f"Image_Intensity_{name}_{channel}" for channel in channels for name in self.names]

    def describe(self) -> dict[str, object]:
        return {"name": "intensity", "preprocessing": "raw pixels"}

    def prepare(self, site: Array, /) -> Array:
        return np.concatenate([_statistics(plane.astype(np.float64)) for plane in site]).astype(np.float32)

    def __call__(self, sites: Sequence[Array], /) -> Floats:
        return np.stack(sites).astype(np.float32)


def _statistics(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.ndimage import uniform_filter

    ordered, spread = np.sort(plane, axis=None), plane.std()
    total = ordered.sum()
    tops = [ordered[-max(1, round(share * ordered.size)) :].sum() / total if total > 0 else 0.0 for share in (0.01, 0.05, 0.25)]
    skewness = ((plane - plane.mean()) ** 3).mean() / spread**3 if spread > 0 else 0.0
    coarseness = uniform_filter(plane, 3).std() / spread if spread > 0 else 0.0
    return np.array([plane.mean(), spread, *np.percentile(ordered, _PERCENTILES), skewness, *tops, coarseness])
