"""Two towers on images: a trained image encoder on one side, what was done to the cells on the other (CLOOME and similar methods).

    view of a site -> ResNet, ViT, ChannelViT or CA-MAE's encoder -> linear -> p
    prompt or molecule -> its tower (joint/perturbation.py)                  -> q
    loss(p, q, scale = 1/tau)

CLOOME (Sanchez-Fernandez et al. 2023): ResNet-50, fingerprints, CLIP or CLOOB; the rows of Lu et al., CellCLIP, Table 2 that train
on images. A minibatch holds one site of each perturbation, so wells of one compound are never each other's negatives.

After the training, `impasto profile --encoder RUN` gives the encoder's representation of every site, and `impasto embed RUN` takes
these profiles through the heads; a perturbation's embedding is the mean over its sites.

Departures: the paper's negatives are drawn among sites, with several of one compound in a minibatch. CWCL's soft targets come from
the representation, detached, as one channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import anndata
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto import feature_names, schema, wells
from impasto import profiles as tables
from impasto.joint import perturbation
from impasto.joint.described import Described
from impasto.joint.objective import Objective
from impasto.joint.settings import LossSettings, PerturbationSettings
from impasto.joint.validation import consensus, reciprocal_rank
from impasto.plates.sites import Sites
from impasto.pretrain import images
from impasto.pretrain.images import Facts, ImageMethod, ImageSettings
from impasto.pretrain.pictures import Pictures
from impasto.pretrain.view_feed import ViewFeed, Views
from impasto.sampling import splits
from impasto.sampling.settings import SplitSettings
from impasto.sampling.splits import split
from impasto.training.gather import gather
from impasto.training.method import Method, Minibatch, Prepared, Step, Trainable
from impasto.wells import TRAIN, VALIDATION

__all__ = ["METHOD", "ImageTowers", "ImageTowersSettings", "build", "prepare"]

Rows = npt.NDArray[np.intp]


class ImageTowersSettings(ImageSettings, PerturbationSettings, LossSettings):
    """An image encoder and its views, a perturbation tower, a loss, what is held out."""

    name: Literal["image_towers"] = "image_towers"
    split: SplitSettings = SplitSettings(validation=0.0)


@dataclass(frozen=True)
class Shown(Minibatch):
    """Views of N sites and what was done there.

    Attributes
    ----------
    views
        Views of the sites.
    unit
        (N,), the number of each site.
    perturbation
        The tensors of their perturbations.

    """

    views: Views
    unit: Tensor
    perturbation: tuple[Tensor, ...]

    @property
    def size(self) -> int:
        return self.views.size


class ShownFeed:
    """Views with the perturbations of their sites.

    Parameters
    ----------
    feed
        Of the views.
    described
        What is read of the perturbation of each training row.
    row_of
        (sites,), the training row of each site; -1 for a site that is not shown.

    """

    def __init__(self, feed: ViewFeed, described: Described, row_of: Tensor) -> None:
        self.feed, self.described, self.row_of = feed, described, row_of

    def epoch(self, number: int, /) -> Sequence[Rows]:
        return self.feed.epoch(number)

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Shown:
        views = self.feed.minibatch(rows, epoch=epoch)
        return Shown(views, views.unit, self.described.take(self.row_of[views.unit]))


class ImageTowers(ImageMethod):
    """The trainable pair of towers.

    Parameters
    ----------
    settings
        Parts and sizes.
    facts
        Channels and their light.

    """

    def __init__(self, settings: ImageTowersSettings, facts: Facts, /) -> None:
        super().__init__(settings, facts)
        self.towers_settings = settings
        self.head = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(self.encoder.width, settings.out))
        self.perturbation_tower = perturbation.tower(settings, width=perturbation.width(settings))
        self.objective = Objective(settings)

    def embed_representation(self, seen: Tensor, /) -> Tensor:
        """Embed the encoder's representation.

        Parameters
        ----------
        seen
            (N, width).

        Returns
        -------
        Tensor
            Unit embeddings (N, out).

        """
        return functional.normalize(self.head(seen), dim=1)

    def embed_perturbation(self, *described: Tensor) -> Tensor:
        """Embed perturbations.

        Parameters
        ----------
        described
            What `joint.perturbation` reads of N perturbations.

        Returns
        -------
        Tensor
            Unit embeddings (N, out).

        """
        return functional.normalize(self.perturbation_tower(*described), dim=1)

    def towers(self, minibatch: Shown, /) -> tuple[Tensor, Tensor, Tensor]:
        """All that the loss needs.

        Parameters
        ----------
        minibatch
            N views with their perturbations.

        Returns
        -------
        tuple[Tensor, Tensor, Tensor]
            Unit embeddings of views and of perturbations, (N, out) each, and the representation (N, 1, width).

        """
        seen = self.encoder.represent(self.light(minibatch.views.anchor))
        return self.embed_representation(seen), self.embed_perturbation(*minibatch.perturbation), seen[:, None]

    def contrast(self, p: Tensor, q: Tensor, seen: Tensor, /) -> Step:
        """The loss of what `towers` gives, over the global minibatch.

        Parameters
        ----------
        p, q
            Unit embeddings of views and of perturbations, (N, out) each.
        seen
            The representation (N, 1, width).

        Returns
        -------
        Step
            The loss term, the embeddings and the monitors.

        """
        p, q = gather(p), gather(q)
        loss, monitors = self.objective(p, q, gather(seen))
        return Step(terms={self.towers_settings.loss: loss}, embeddings={"image": p, "perturbation": q}, monitors=monitors)

    def forward(self, minibatch: Any, /) -> Step:
        return self.contrast(*self.towers(minibatch))


def build(settings: ImageTowersSettings, facts: Facts, /) -> ImageTowers:
    """The untrained method.

    Parameters
    ----------
    settings
        Parts and sizes.
    facts
        Channels and their light.

    Returns
    -------
    ImageTowers
        The method.

    """
    return ImageTowers(settings, facts)


def prepare(settings: ImageTowersSettings, sites: Sites, /, *, seed: int) -> Prepared:
    """The method with the sites of the perturbations that are trained on. Negative controls and held-out perturbations are not shown.

    Parameters
    ----------
    settings
        Parts, sizes and what is held out.
    sites
        Ingested images.
    seed
        Of the split, the weights and the views.

    Returns
    -------
    Prepared
        The method, its feed and its facts.

    Raises
    ------
    InputError
        Where the split is impossible, or a perturbation cannot be described.

    """
    table = sites.table
    treated = np.flatnonzero(wells.treated(table))
    parts = split(table.iloc[treated], settings.split, seed=seed)
    split_facts = splits.described(table.iloc[treated], parts)
    shown = settings.model_copy(
        update={
            "only": {**settings.only, schema.PERTURBATION: split_facts["split"][TRAIN]},
            "pairs": settings.pairs.model_copy(update={"epoch": "perturbations", "controls": False}),
        }
    )
    prepared = images.prepare(shown, sites, seed=seed, build=build, across=False)
    assert isinstance(prepared.method, ImageTowers)
    trained = treated[parts == TRAIN]
    row_of = torch.full((len(table),), -1, dtype=torch.long)
    row_of[torch.as_tensor(trained)] = torch.arange(len(trained))
    feed = ShownFeed(prepared.feed, perturbation.describe(table.iloc[trained], settings), row_of)
    facts = {
        **prepared.facts,
        "features": feature_names.embedding_names("", prepared.method.encoder.width),
        **split_facts,
        **perturbation.context(table.iloc[treated]),
    }
    held = treated[parts == VALIDATION]
    validate = retrieval_score(sites, held, settings, Facts.of(prepared.facts)) if len(held) else None
    return Prepared(prepared.method, feed, validate, facts, units=prepared.units)


def retrieval_score(sites: Sites, rows: Rows, settings: ImageTowersSettings, facts: Facts, /) -> Callable[[Method], dict[str, float]]:
    """Validation: the mean reciprocal rank among the held-out perturbations, each the mean over its whole sites.

    Parameters
    ----------
    sites
        Ingested images.
    rows
        The sites of held-out perturbations.
    settings
        Parts and sizes.
    facts
        Channels of the run.

    Returns
    -------
    Callable[[Method], dict[str, float]]
        A function of the method that gives `score` and its `chance`.

    """
    pictures = Pictures(
        sites, channels=facts.channels, longest=settings.longest, memory_mb=settings.memory_mb, among=[int(row) for row in rows]
    )
    obs = sites.table.iloc[pictures.readable]
    _, first, numbers = np.unique(wells.compounds(obs).to_numpy(dtype=str), return_index=True, return_inverse=True)
    described = perturbation.describe(obs.iloc[first], settings).take(torch.arange(len(first)))

    def validate(method: Method) -> dict[str, float]:
        assert isinstance(method, ImageTowers)
        device = method.mean.device
        whole = (_square(pictures[row], settings.views.size).to(device) for row in pictures.readable)
        profiles = torch.cat([method.embed_representation(method.embed(image)) for image in whole])
        perturbations = method.embed_perturbation(*(tensor.to(device) for tensor in described))
        return reciprocal_rank(consensus(profiles, numbers), perturbations)

    return validate


def _square(picture: Tensor, size: int) -> Tensor:
    """A whole site as one view: light 0 to 1, (1, C, size, size)."""
    light = picture[None].float() / (255 if picture.dtype == torch.uint8 else 1)
    return functional.interpolate(light, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


def rebuild(settings: ImageTowersSettings, facts: dict[str, Any], /) -> ImageTowers:
    """The method of a run, with untrained weights.

    Parameters
    ----------
    settings
        Of the run.
    facts
        What model.json remembers.

    Returns
    -------
    ImageTowers
        The method.

    """
    return build(settings, Facts.of(facts))


def values(profiles: anndata.AnnData, settings: ImageTowersSettings, facts: dict[str, Any], /) -> Tensor:  # noqa: ARG001 - as of two_towers
    """What the heads read of profiles.

    Parameters
    ----------
    profiles
        The representation that `impasto profile --encoder RUN` wrote.
    settings, facts
        Not read; `two_towers.values` needs them.

    Returns
    -------
    Tensor
        (rows, width).

    """
    return torch.as_tensor(tables.dense(profiles))


def embed_bags(method: ImageTowers, values: Tensor, members: Sequence[Rows], /) -> Tensor:
    """An embedding of each group of rows: the mean over its sites.

    Parameters
    ----------
    method
        The towers.
    values
        The representation (rows, width).
    members
        The rows of each group.

    Returns
    -------
    Tensor
        Unit embeddings (groups, out).

    """
    each = method.embed_representation(values)
    return functional.normalize(torch.stack([each[torch.as_tensor(rows)].mean(dim=0) for rows in members]), dim=1)


METHOD = Trainable(ImageTowersSettings, prepare, reads="sites", build=build)
"""What `name = "image_towers"` in `[stage.method]` of a recipe means."""
