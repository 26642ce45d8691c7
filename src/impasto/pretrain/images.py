"""What all image-only methods share: settings, the feed of views, the method's frame, and the way from sites to a training.

A method's module has a `Settings` class of its own, the method, and `METHOD = images.trainable(...)`; everything about data is here. Under
several ranks a method gathers the representations of all of them before its head, so batch norm and loss see the global minibatch.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from impasto.nets.encoders import image, start
from impasto.nets.encoders.image import EncoderSettings
from impasto.plates.sites import Sites
from impasto.pretrain.pictures import Pictures
from impasto.pretrain.probe import ProbeSettings, hold_out
from impasto.pretrain.view_feed import ViewFeed, Views
from impasto.pretrain.views import ViewSettings
from impasto.sampling import minibatches
from impasto.sampling.pairs import Pairs, PairSettings
from impasto.sampling.rows import lines_of, rows_of
from impasto.schema import InputError, nearest
from impasto.settings import Settings
from impasto.training.method import Method, Prepared, Trainable
from impasto.wells import VALIDATION

Rows = npt.NDArray[np.intp]
_OF_CHANNELS = ("channel_vit", "ca_mae")


Normalise = Literal["data", "image"]
_FLAT = 1e-4
"""Light below this spread is a flat plane."""


class ImageSettings(Settings):
    """The encoder, which sites make a pair, how views are made, how many rows a minibatch has."""

    change_nothing: ClassVar[frozenset[str]] = frozenset({"memory_mb", "cache"})
    encoder: EncoderSettings = EncoderSettings()
    pairs: PairSettings = PairSettings()
    views: ViewSettings = ViewSettings()
    input_norm: Normalise = "data"
    """Light has mean 0 and sd 1 over all training images (`data`), or in each channel of each image by itself (`image`)."""
    sample_channels: bool = False
    """Whether each anchor shows some channels only: first how many is drawn, then which (ChannelViT, section 3.3)."""
    probe: ProbeSettings | None = None
    """What is held out to see, while it trains, whether wells find their replicates."""
    minibatch: int = 64
    channels: list[str] | None = None
    """The stains to train on; all of the folder's by default."""
    only: dict[str, list[str]] = Field(default_factory=dict)
    """The sites to train on: column -> the values that are in (`only = {cell_line = ["HUVEC", "RPE"]}`); all by default."""
    longest: int | None = None
    """Sites with a longer side are made smaller when they are read."""
    memory_mb: int = 4096
    """How much of the pixels is kept in memory."""
    cache: Path | None = None
    """A folder that keeps the pixels in 8 bit on disk instead, for the next training too; several processes share it."""


@dataclass(frozen=True)
class Facts:
    """What a run must remember of its data to be rebuilt.

    Attributes
    ----------
    channels
        In order.
    mean, spread
        Light of each channel, 0 to 1.
    perturbations
        In order.

    """

    channels: list[str]
    mean: list[float]
    spread: list[float]
    perturbations: list[str]

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Facts:
        """The facts of a run.

        Parameters
        ----------
        facts
            The `facts` of model.json.

        Returns
        -------
        Facts
            Those that rebuild an image method.

        """
        return cls(**{name: facts[name] for name in ("channels", "mean", "spread", "perturbations")})


def normalised(images: Tensor, mean: Tensor, spread: Tensor, /, *, how: Normalise) -> Tensor:
    """Light with mean 0 and sd 1.

    Parameters
    ----------
    images
        (..., C, H, W), light from 0.
    mean, spread
        (C,) of the training images.
    how
        `data`: by the training images; `image`: each channel of each image by its own pixels, a flat one becomes 0.

    Returns
    -------
    Tensor
        (..., C, H, W).

    """
    if how == "data":
        return (images - mean[:, None, None]) / spread[:, None, None]
    centred = images - images.mean(dim=(-2, -1), keepdim=True)
    return centred / centred.square().mean(dim=(-2, -1), keepdim=True).sqrt().clamp(min=_FLAT)


class ImageMethod(Method):
    """The frame of an image-only method: an encoder, and the light of each channel that its input is normalised with.

    Parameters
    ----------
    settings
        The encoder and its views.
    facts
        Channels and their light.

    """

    equal_shares = True
    samples_channels = False
    """Whether its anchors can show some of the channels only."""

    mean: Tensor
    spread: Tensor

    def __init__(self, settings: ImageSettings, facts: Facts, /) -> None:
        super().__init__()
        self.settings = settings
        self.encoder: Any = image.build(settings.encoder, channels=len(facts.channels), size=settings.views.size)
        self.register_buffer("mean", torch.tensor(facts.mean, dtype=torch.float32))
        self.register_buffer("spread", torch.tensor(facts.spread, dtype=torch.float32))

    def light(self, images: Tensor, channels: Tensor | None = None, /) -> Tensor:
        """Images with mean 0 and sd 1 in each channel, over the training images or by themselves (`input_norm`).

        Parameters
        ----------
        images
            (..., C, H, W), light 0 to 1.
        channels
            The numbers of the channels that the images hold; None: all of them, in order.

        Returns
        -------
        Tensor
            (..., C, H, W).

        """
        mean, spread = (self.mean, self.spread) if channels is None else (self.mean[channels], self.spread[channels])
        return normalised(images, mean, spread, how=self.settings.input_norm)

    def represent(self, images: Tensor, keep: Tensor | None = None, shown: Tensor | None = None, /) -> Tensor:
        """The representation of images by the encoder that is trained.

        Parameters
        ----------
        images
            (N, C, H, W), light from 0.
        keep
            (N, K), the tokens that stay; None: all.
        shown
            (N, C), the channels that each image shows; None: all.

        Returns
        -------
        Tensor
            (N, width).

        """
        light = self.light(images)
        seen: Tensor = self.encoder.represent(light, keep) if shown is None else self.encoder.represent(light, keep, None, shown)
        return seen

    def backbone(self) -> nn.Module:
        """The encoder whose representation is used after the training.

        Returns
        -------
        nn.Module
            An image encoder.

        """
        return self.encoder

    def embed(self, minibatch: Any, /) -> Tensor:
        """The representation of images, before any head.

        Parameters
        ----------
        minibatch
            Images (N, C, H, W), light 0 to 1.

        Returns
        -------
        Tensor
            (N, width).

        """
        return self.backbone().represent(self.light(minibatch))  # type: ignore[operator]

    @abstractmethod
    def forward(self, minibatch: Views, /) -> Any:
        """One step of the method.

        Parameters
        ----------
        minibatch
            Views of pairs.

        Returns
        -------
        Any
            A `Step`: loss terms, the anchors' representations as `image`, and the monitors of collapse.

        """


S = TypeVar("S", bound=ImageSettings)


def trainable(settings: type[S], build: Callable[[S, Facts], ImageMethod], /, *, focal: bool = False, across: bool = True) -> Trainable:
    """A method of images as a recipe names it: all of them have their sites from `prepare`.

    Parameters
    ----------
    settings
        Of the method.
    build
        Makes the untrained method.
    focal
        Whether its anchors have focal crops.
    across
        Whether it compares two sites of a pair. One that does not takes a perturbation with one well too.

    Returns
    -------
    Trainable
        The method, before it has data.

    """
    return Trainable(settings, functools.partial(prepare, build=build, focal=focal, across=across), reads="sites", build=build)


def prepare(
    settings: S, sites: Sites, /, *, seed: int, build: Callable[[S, Facts], ImageMethod], focal: bool = False, across: bool = True
) -> Prepared:
    """A method with its sites.

    Parameters
    ----------
    settings
        Of the method.
    sites
        Ingested images.
    seed
        Of the weights and the views.
    build
        Makes the untrained method.
    focal
        Whether its anchors have focal crops.
    across
        Whether it compares two sites of a pair.

    Returns
    -------
    Prepared
        The method, its feed and its facts.

    Raises
    ------
    InputError
        Where a channel is not there, nothing says what was done to the cells, or no site can be read.

    """
    channels = _channels(sites, settings.channels)
    among = rows_of(sites.table, settings.only)
    pictures = Pictures(sites, channels=channels, longest=settings.longest, memory_mb=settings.memory_mb, among=among, cache=settings.cache)
    chosen = settings.pairs if across else settings.pairs.model_copy(update={"wells": "single"})
    pairs = Pairs.of(sites.table, chosen, among=pictures.readable)
    everything = pairs
    probe = None
    if settings.probe is not None:
        pairs, probe = hold_out(pairs, pictures, settings.probe, seed=seed, size=settings.views.size)
    facts = Facts(channels, [float(m) for m in pictures.mean], [float(s) for s in pictures.spread], pairs.names)
    torch.manual_seed(seed)
    method = build(settings, facts)
    parameters = sum(p.numel() for p in method.encoder.parameters())
    begun = start.begin(method, settings.encoder)
    if settings.sample_channels and not (method.samples_channels and settings.encoder.name in _OF_CHANNELS):
        raise InputError(
            f"sample_channels needs an encoder with tokens of each channel ({' or '.join(_OF_CHANNELS)}) and a method that takes it (msn, "
            "simclr, wsl); leave it out"
        )
    feed = ViewFeed(pictures, pairs, settings, tokens=int(method.encoder.tokens), focal=focal, seed=seed)
    minibatches.say_if_smaller(feed.epoch(0), settings.minibatch, what="pairs")
    recorded = {
        **facts.__dict__,
        "sites": len(pictures.readable),
        "quarantine": pictures.bad,
        "parameters": parameters,
        "trained_parameters": sum(p.numel() for p in method.encoder.parameters() if p.requires_grad),
        **({"start": begun} if begun else {}),
        "split": {"train": pairs.names, **_held_out(everything, pairs)},
        "lines": lines_of(sites.table, sorted({int(row) for rows in pairs.members for row in rows})),
    }
    return Prepared(method, feed, probe, recorded, units=sites.table)


def _held_out(everything: Pairs, pairs: Pairs) -> dict[str, list[str]]:
    held = sorted(set(everything.names) - set(pairs.names))
    return {VALIDATION: held} if held else {}


def _channels(sites: Sites, wanted: list[str] | None) -> list[str]:
    for name in wanted or []:
        if name not in sites.channels:
            raise InputError(f"there is no channel {name!r}{nearest(name, sites.channels)}; the sites have {', '.join(sites.channels)}")
    return list(wanted) if wanted else list(sites.channels)
