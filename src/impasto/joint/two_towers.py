"""Two towers in one space: pooled profiles on one side, what was done to the cells on the other (CellCLIP and its baselines).

    bag of profiles, per channel -> pooling -> CrossChannelFormer or residual MLP -> p
    prompt or molecule -> its tower (joint/perturbation.py)                       -> q
    loss(p, q, scale = 1/tau)

Lu et al., CellCLIP, section 3 and appendix E. The parts are chosen by name in a recipe; this file only joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto import schema, wells
from impasto.joint import channels, perturbation
from impasto.joint import values as blocks
from impasto.joint.feed import BagFeed, Bags
from impasto.joint.objective import Objective
from impasto.joint.settings import TwoTowersSettings
from impasto.joint.validation import consensus, reciprocal_rank
from impasto.nets.encoders.cross_channel_former import CrossChannelFormer
from impasto.nets.encoders.residual_mlp import ResidualMLP
from impasto.nets.pooling import POOLINGS
from impasto.sampling import bags, splits
from impasto.sampling.splits import split
from impasto.training.earlier import Earlier
from impasto.training.gather import gather
from impasto.training.method import Method, Prepared, Step, Trainable
from impasto.wells import TRAIN, VALIDATION

Rows = npt.NDArray[np.intp]


class TwoTowers(Method):
    """The trainable pair of towers.

    Parameters
    ----------
    settings
        Parts and sizes.
    blocks
        How many channels (or other blocks) a profile has.
    profile_width
        d, of a block.
    perturbation_width
        Of what the perturbation tower reads.

    """

    mean: Tensor
    spread: Tensor

    def __init__(self, settings: TwoTowersSettings, *, blocks: int, profile_width: int, perturbation_width: int) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(blocks, profile_width))
        self.register_buffer("spread", torch.ones(blocks, profile_width))
        self.pooling = POOLINGS[settings.pooling](width=profile_width)
        self.profile_tower = _profile_tower(settings, blocks=blocks, profile_width=profile_width)
        self.perturbation_tower = perturbation.tower(settings, width=perturbation_width)
        self.objective = Objective(settings)

    def pooled(self, minibatch: Bags, /) -> Tensor:
        """Pooled, standardised profiles.

        Parameters
        ----------
        minibatch
            N bags.

        Returns
        -------
        Tensor
            (N, C, d).

        """
        limit = self.settings.clip_values
        values = minibatch.profiles.clamp(-limit, limit)
        return self.pooling((values - self.mean) / self.spread, minibatch.mask)

    def embed(self, minibatch: Bags, /) -> Tensor:
        return functional.normalize(self.profile_tower(self.pooled(minibatch)), dim=1)

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

    def towers(self, minibatch: Bags, /) -> tuple[Tensor, Tensor, Tensor]:
        """All that the loss needs.

        Parameters
        ----------
        minibatch
            N bags with their perturbations.

        Returns
        -------
        tuple[Tensor, Tensor, Tensor]
            Unit embeddings of profiles and of perturbations, (N, out) each, and the pooled profiles (N, C, d) that CWCL's targets are
            taken from.

        """
        pooled = self.pooled(minibatch)
        p = functional.normalize(self.profile_tower(pooled), dim=1)
        # Every pooling commutes with a shift and a positive scale of a feature, so this is what pooling gives of the profiles as they are.
        seen = pooled if self.settings.targets == "standardised" else pooled * self.spread + self.mean
        return p, self.embed_perturbation(*minibatch.perturbation), seen

    def contrast(self, p: Tensor, q: Tensor, pooled: Tensor, /) -> Step:
        """The loss of what `towers` gives. All ranks see all pairs of the global minibatch as negatives, as one process would.

        Parameters
        ----------
        p, q
            Unit embeddings of profiles and of perturbations, (N, out) each.
        pooled
            The pooled profiles (N, C, d).

        Returns
        -------
        Step
            The loss term, the embeddings and the monitors.

        """
        p, q = gather(p), gather(q)
        loss, monitors = self.objective(p, q, gather(pooled))
        return Step(terms={self.settings.loss: loss}, embeddings={"profile": p, "perturbation": q}, monitors=monitors)

    def forward(self, minibatch: Bags, /) -> Step:
        return self.contrast(*self.towers(minibatch))


def _profile_tower(settings: TwoTowersSettings, *, blocks: int, profile_width: int) -> nn.Module:
    if settings.profile_tower == "residual":
        wide, width = blocks * profile_width, settings.width or profile_width
        return ResidualMLP(wide=wide, width=width, out=settings.out, depth=settings.depth, dropout=settings.dropout)
    return CrossChannelFormer(
        channels=blocks,
        profile_width=profile_width,
        width=settings.width,
        out=settings.out,
        depth=settings.depth,
        heads=settings.heads,
        dropout=settings.dropout,
    )


def prepare(settings: TwoTowersSettings, profiles: anndata.AnnData, /, *, seed: int) -> Prepared:
    """The method with its data. Controls are not trained on.

    Parameters
    ----------
    settings
        Parts, sizes and what is held out.
    profiles
        Profiles of wells or sites, with a perturbation column.
    seed
        Of the split, the weights and the minibatches.

    Returns
    -------
    Prepared
        The method, its feed, its validation and its facts.

    Raises
    ------
    InputError
        Where the profiles are too few, hold missing values, or the split leaks.

    """
    return _prepare(settings, profiles, seed=seed, among=None, width=None)


def prepare_from(settings: TwoTowersSettings, profiles: anndata.AnnData, earlier: Earlier, /, *, seed: int) -> Prepared:
    """The method with the channels of an earlier run, matched by name.

    Parameters
    ----------
    settings
        Parts, sizes and what is held out.
    profiles
        Profiles of wells or sites, with a perturbation column.
    earlier
        The run to start from; its `weights` are put in the order of these channels.
    seed
        Of the split, the new weights and the minibatches.

    Returns
    -------
    Prepared
        The method, its feed, its validation and its facts.

    Raises
    ------
    InputError
        Where channels do not match and `new_channels` does not say what to do (see `joint.channels`).

    """
    matched = channels.match(profiles, earlier.facts, settings)
    prepared = _prepare(settings, matched.profiles, seed=seed, among=matched.names, width=int(earlier.facts["profile_width"]))
    earlier.weights.update(channels.moved(earlier.weights, prepared.method.state_dict(), matched.places))
    return prepared


def _prepare(
    settings: TwoTowersSettings, profiles: anndata.AnnData, /, *, seed: int, among: list[str] | None, width: int | None
) -> Prepared:
    wells.require(profiles.obs, [schema.PERTURBATION], task="training across modalities")
    rows = np.flatnonzero(wells.treated(profiles.obs))
    obs = profiles.obs.iloc[rows]
    parts = split(obs, settings.split, seed=seed)
    values, names = blocks.of(profiles, rows, settings, among=among, width=width)
    described = perturbation.describe(obs, settings)
    torch.manual_seed(seed)
    method = TwoTowers(settings, blocks=len(names), profile_width=values.shape[2], perturbation_width=described.width)
    mean, spread = blocks.statistics(values, np.flatnonzero(parts == TRAIN), limit=settings.clip_values)
    method.mean.copy_(mean)
    method.spread.copy_(spread.clamp(min=1e-3))
    members = list(bags.groups(obs, by=settings.group_by).values())
    compounds = wells.compounds(obs).to_numpy(dtype=str)

    def feed(part: str, *, apart: bool) -> BagFeed:
        of_part = [rows for rows in members if parts[rows[0]] == part]
        who = [compounds[rows[0]] for rows in of_part] if apart else None
        return BagFeed(values, described, of_part, minibatch=settings.minibatch, bag=settings.bag, seed=seed, names=who)

    training_feed, held = feed(TRAIN, apart=settings.apart), feed(VALIDATION, apart=True)
    facts = {
        "features": list(profiles.var_names),
        "blocks": names,
        "profile_width": int(values.shape[2]),
        "perturbation_width": described.width,
        **splits.described(obs, parts),
        **perturbation.context(obs),
    }
    units = obs.iloc[[int(rows[0]) for rows in training_feed.members]]
    return Prepared(method, training_feed, retrieval_score(held) if held.members else None, facts, units=units)


def retrieval_score(held: BagFeed, /) -> Callable[[Method], dict[str, float]]:
    """Validation: the mean reciprocal rank of the right partner, both ways, among the held-out perturbations.

    Parameters
    ----------
    held
        Bags of the held-out perturbations.

    Returns
    -------
    Callable[[Method], dict[str, float]]
        A function of the method that gives `score` and its `chance`.

    """
    _, first = np.unique(held.names, return_index=True)

    def validate(method: Method) -> dict[str, float]:
        assert isinstance(method, TwoTowers)
        device = method.mean.device
        minibatches = [m.to(device) for m in held.whole()]
        profiles = consensus(torch.cat([method.embed(m) for m in minibatches]), held.names)
        texts = torch.cat([method.embed_perturbation(*m.perturbation) for m in minibatches])[torch.as_tensor(first, device=device)]
        return reciprocal_rank(profiles, texts)

    return validate


def rebuild(settings: TwoTowersSettings, facts: dict[str, Any], /) -> TwoTowers:
    """The method of a run, with untrained weights.

    Parameters
    ----------
    settings
        Of the run.
    facts
        What model.json remembers.

    Returns
    -------
    TwoTowers
        The method.

    """
    sizes = {"profile_width": int(facts["profile_width"]), "perturbation_width": int(facts["perturbation_width"])}
    return TwoTowers(settings, blocks=len(facts["blocks"]), **sizes)


def values(profiles: anndata.AnnData, settings: TwoTowersSettings, facts: dict[str, Any], /) -> Tensor:
    """What the profile tower reads of profiles.

    Parameters
    ----------
    profiles
        n rows with the features of the run.
    settings
        Of the run.
    facts
        What model.json remembers.

    Returns
    -------
    Tensor
        Blocks (n, channels, width).

    Raises
    ------
    InputError
        Where values are missing or infinite.

    """
    blocks.finite(profiles)
    return torch.as_tensor(channels.values(profiles, settings, among=facts["blocks"], width=int(facts["profile_width"]))[0])


def embed_bags(method: TwoTowers, values: Tensor, members: Sequence[Rows], /) -> Tensor:
    """An embedding of each group of rows: its bag, pooled.

    Parameters
    ----------
    method
        The towers.
    values
        Blocks (rows, channels, width).
    members
        The rows of each group.

    Returns
    -------
    Tensor
        Unit embeddings (groups, out).

    """
    feed = BagFeed(values, None, members, minibatch=1, bag=None, seed=0)
    return torch.cat([method.embed(bag) for bag in feed.whole()])


def without_controls(profiles: anndata.AnnData) -> anndata.AnnData:
    """The treated rows (`wells.treated`): no controls, no empty and no unknown wells.

    Parameters
    ----------
    profiles
        Profiles with a perturbation column.

    Returns
    -------
    anndata.AnnData
        A copy with the treated rows.

    Raises
    ------
    InputError
        Where there is no perturbation column.

    """
    wells.require(profiles.obs, [schema.PERTURBATION], task="training across modalities")
    return profiles[wells.treated(profiles.obs)].copy()


METHOD = Trainable(TwoTowersSettings, prepare, reads="profiles", prepare_from=prepare_from)
"""What `name = "two_towers"` in `[stage.method]` of a recipe means."""
