"""A trained image-only run as the frozen encoder of `impasto profile`: channels are matched by name.

A sum over channels (vit, resnet) needs most of what it was trained on. A channel that is not there counts as its mean, and with fewer than
half of them the run is refused. One token a channel (channel_vit) needs one channel that it knows. The channel-agnostic encoder (ca_mae)
reads any. A channel that it has never seen is given the mean light of those it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from impasto import runs
from impasto.devices import HERE, Place
from impasto.feature_names import embedding_names
from impasto.nets.encoders.reading import Readout
from impasto.nets.encoders.readout import read
from impasto.nets.trunk import lower
from impasto.perturbations import cell_lines
from impasto.plates.crops import Crops
from impasto.plates.of_crops import OfCrops
from impasto.pretrain.images import Facts, ImageMethod, normalised
from impasto.schema import InputError
from impasto.training import checkpoint
from impasto.training.earlier import Earlier
from impasto.training.method import Trainable

Array = npt.NDArray[np.generic]
_TOGETHER = 32


@dataclass(frozen=True)
class Match:
    """Which channels a run reads of some images.

    Attributes
    ----------
    read
        Their names, in order.
    numbers
        Their numbers in the run; None where all are read as they come.
    mean, spread
        Their light in the training data, (channels,) each.
    sentence
        What is read, missing and new, for the user.

    """

    read: list[str]
    numbers: Tensor | None
    mean: Tensor
    spread: Tensor
    sentence: str


@dataclass(frozen=True)
class FrozenRun(OfCrops):
    """A run's backbone with what it needs to read sites; see `profiling.encoders.SiteEncoder`.

    Attributes
    ----------
    folder
        The run.
    method
        In evaluation mode.
    facts
        Channels and their light in the training data.
    sha256
        Of the weights.
    match
        Which channels are read.
    crops
        How sites are cropped.
    readout
        Which tokens of the backbone are read; None: its own representation.

    """

    folder: Path
    method: ImageMethod
    facts: Facts
    sha256: str
    match: Match
    crops: Crops
    readout: Readout | None = None
    place: Place = HERE
    """Where the net runs and in what precision."""

    @classmethod
    def load(
        cls,
        folder: Path,
        trainable: Trainable,
        /,
        *,
        channels: Sequence[str],
        readout: Readout | None = None,
        place: Place = HERE,
    ) -> FrozenRun:
        """Open a run for images with these channels, in squares that cover a site.

        Parameters
        ----------
        folder
            What `impasto train --sites` left.
        trainable
            Its method.
        channels
            Of the images.
        readout
            Which tokens of the backbone are read; None: its own representation.
        place
            Where the net runs and in what precision.

        Returns
        -------
        FrozenRun
            The frozen encoder.

        Raises
        ------
        InputError
            Where the run reads profiles, the channels do not fit, or the backbone has no such tokens.

        """
        earlier = Earlier.read(folder)
        facts = Facts.of(earlier.facts)
        if trainable.build is None:
            raise InputError(
                f"{folder} holds a {earlier.method['name']} model, which reads profiles, not images; use a run of impasto train --sites"
            )
        method: ImageMethod = trainable.build(trainable.settings.read(earlier.method, where=f"{folder}/model.json"), facts)
        lines = cell_lines.reattach(method, earlier.facts)
        checkpoint.put(method, earlier.weights, where=str(folder))
        match = matched(facts, list(channels), kind=method.settings.encoder.name, where=str(folder))
        if lines:
            match = replace(match, sentence=f"{match.sentence}; {lines}")
        if readout is not None and (not method.encoder.tokens or readout == "pooler"):
            allowed = ", ".join(("cls", "mean", "cls+mean")) if method.encoder.tokens else "no readout"
            raise InputError(f"readout {readout}: {folder} holds a {method.settings.encoder.name}; allowed: {allowed}")
        crops = Crops("cover", method.settings.views.size)
        lower(method.to(place.device), place)
        return cls(folder, method.eval(), facts, runs.digest(folder / "model.safetensors"), match, crops, readout, place)

    def channels(self, available: Sequence[str], /) -> list[str]:
        """The channels to read.

        Parameters
        ----------
        available
            Those of the images.

        Returns
        -------
        list[str]
            Their names, in order.

        """
        return [name for name in self.match.read if name in available]

    def features(self, channels: Sequence[str], /) -> list[str]:  # noqa: ARG002 - one embedding of all channels together
        """The names of the features; one embedding of all channels together.

        Parameters
        ----------
        channels
            Not read.

        Returns
        -------
        list[str]
            `emb_0000`, `emb_0001` and so on.

        """
        return embedding_names("", int(self.method.encoder.width) * (2 if self.readout == "cls+mean" else 1))

    def describe(self) -> dict[str, object]:
        """What the profiles must say of the encoder.

        Returns
        -------
        dict[str, object]
            The keys of `identity`, with `name`.

        """
        settings = self.method.settings
        return {
            "name": self.folder.name,
            "path": str(self.folder.resolve()),
            "sha256": self.sha256,
            "settings": {"method": getattr(settings, "name", ""), "encoder": settings.encoder.name},
            "licence": "that of the training data",
            "preprocessing": "8 bit by brightest share 0.000028; bilinear antialiased; mean and sd of each channel in the training data",
            "size": settings.views.size,
            "order": self.match.read,
            "readout": self.readout or (getattr(settings.encoder, "readout", "cls") if self.method.encoder.tokens else None),
            "crops": self.crops.described,
            "channels": self.match.sentence,
            "precision": self.place.precision,
        }

    @torch.inference_mode()
    def _embed(self, images: Array) -> npt.NDArray[np.float32]:
        light = _resized(torch.from_numpy(np.ascontiguousarray(images)).float() / 255, self.crops.size)
        light = normalised(light, self.match.mean, self.match.spread, how=self.method.settings.input_norm)
        parts = [self._represent(self.place.send(part)) for part in torch.split(light, _TOGETHER)]
        return torch.cat(parts).float().cpu().numpy()

    def _represent(self, images: Tensor) -> Tensor:
        backbone: Any = self.method.backbone()
        numbers = None if self.match.numbers is None else self.match.numbers.to(images.device)
        if self.readout is None:
            return backbone.represent(images, None, numbers)
        return read(backbone(images, None, numbers), readout=self.readout, prefix=1)


def _resized(image: Tensor, size: int) -> Tensor:
    if image.shape[2:] == (size, size):
        return image
    return functional.interpolate(image, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


def matched(facts: Facts, available: list[str], /, *, kind: str, where: str) -> Match:
    """Which channels of the images a run reads.

    Parameters
    ----------
    facts
        Channels and their light in the training data.
    available
        The channels of the images.
    kind
        The name of the encoder.
    where
        What an error names.

    Returns
    -------
    Match
        The channels, their numbers and their light.

    Raises
    ------
    InputError
        Where too few channels are shared for a meaningful embedding.

    """
    known = [name for name in facts.channels if name in available]
    missing, new = [n for n in facts.channels if n not in available], [n for n in available if n not in facts.channels]
    read = known + new if kind == "ca_mae" else known
    enough = 1 if kind in ("channel_vit", "ca_mae") else (len(facts.channels) + 1) // 2
    if len(read) < enough:
        raise InputError(
            f"{where} was trained on {', '.join(facts.channels)}, and the images have {', '.join(available)}: a {kind} needs {enough} of "
            "its channels; train on channels that both have (channels = [...]), or use a channel_vit or ca_mae encoder"
        )
    numbers = [facts.channels.index(name) for name in known]
    mean, spread = (torch.tensor(v, dtype=torch.float32) for v in (facts.mean, facts.spread))
    fate = "given the mean light of those it knows" if kind == "ca_mae" else "left out"
    parts = [("channels read", read), ("of the run's, not in these images", missing), (f"not known to the run, {fate}", new)]
    sentence = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
    all_there = numbers == list(range(len(facts.channels)))
    match = Match(read, None if all_there else torch.tensor(numbers), mean[numbers], spread[numbers], sentence)
    if kind != "ca_mae":
        return match
    unseen = len(read) - len(known)
    return replace(
        match,
        numbers=None,
        mean=torch.cat([mean[numbers], mean.mean().expand(unseen)]),
        spread=torch.cat([spread[numbers], spread.mean().expand(unseen)]),
    )
