"""Two towers in one space: pooled profiles on one side, a text about the perturbation on the other (CellCLIP).

    bag of profiles, per channel -> pooling -> CrossChannelFormer -> p
    prompt -> frozen text encoder (cached) -> linear -> q
    loss(p, q, scale = 1/tau)

Lu et al., CellCLIP, section 3. The parts are chosen by name in a recipe; this file only joins them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from impasto import profiles as tables
from impasto import schema
from impasto.losses.clip import clip
from impasto.losses.cwcl import cwcl, entropy_share, weights
from impasto.nets.encoders.cross_channel_former import CrossChannelFormer
from impasto.nets.pooling import POOLINGS
from impasto.perturbations.prompts import prompts
from impasto.sampling import bags
from impasto.sampling.splits import TRAIN, VALIDATION, SplitSettings, split
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training.gather import gather
from impasto.training.method import Method, Minibatch, Prepared, Step

Rows = npt.NDArray[np.intp]


class TwoTowersSettings(Settings):
    """Parts and sizes. The defaults train in about a minute on two CPU cores; the paper's are in recipes/."""

    name: Literal["two_towers"] = "two_towers"
    blocks: str = "channel"
    group_by: list[str] = Field(default_factory=lambda: [schema.PERTURBATION])
    pooling: str = "gated_attention"
    width: int | None = 128
    depth: int = 2
    heads: int = 4
    out: int = 128
    dropout: float = 0.2
    text: str = "minilm"
    template: str = "painting"
    details: list[str] = Field(default_factory=lambda: [schema.SMILES, schema.GENE, schema.MOA])
    loss: Literal["clip", "cwcl"] = "cwcl"
    centre: bool = False
    sharpness: float | None = None
    top: int | None = None
    scale: float = 14.3
    """1/tau at the start; learned as log(scale), at most 100."""
    clip_values: float = 10.0
    minibatch: int = 64
    bag: int | None = 8
    split: SplitSettings = SplitSettings()


@dataclass(frozen=True)
class Bags(Minibatch):
    """Bags of N perturbations: profiles (N, K, C, d), mask (N, K), text features (N, t), the number of each perturbation (N,)."""

    profiles: Tensor
    mask: Tensor
    text: Tensor
    unit: Tensor

    @property
    def size(self) -> int:
        return len(self.profiles)


class TwoTowers(Method):
    """The trainable pair of towers."""

    no_decay = ("log_scale",)
    mean: Tensor
    spread: Tensor

    def __init__(self, settings: TwoTowersSettings, *, channels: int, profile_width: int, text_width: int) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(channels, profile_width))
        self.register_buffer("spread", torch.ones(channels, profile_width))
        schema.one_of(settings.pooling, POOLINGS, what="pooling")
        self.pooling = POOLINGS[settings.pooling](profile_width)
        self.profile_tower = CrossChannelFormer(
            channels=channels,
            profile_width=profile_width,
            width=settings.width,
            out=settings.out,
            depth=settings.depth,
            heads=settings.heads,
            dropout=settings.dropout,
        )
        self.text_tower = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(text_width, settings.out))
        self.log_scale = nn.Parameter(torch.tensor(math.log(settings.scale)))

    def pooled(self, minibatch: Bags, /) -> Tensor:
        """Pooled, standardised profiles (N, C, d)."""
        limit = self.settings.clip_values
        values = minibatch.profiles.clamp(-limit, limit)
        return self.pooling((values - self.mean) / self.spread, minibatch.mask)

    def embed(self, minibatch: Bags, /) -> Tensor:
        return functional.normalize(self.profile_tower(self.pooled(minibatch)), dim=1)

    def embed_text(self, text: Tensor, /) -> Tensor:
        """Text features (N, t) -> unit embeddings (N, out)."""
        return functional.normalize(self.text_tower(text), dim=1)

    def forward(self, minibatch: Bags, /) -> Step:
        own = self.pooled(minibatch)
        # Every rank sees all pairs of the global minibatch as negatives, as one process would.
        p = gather(functional.normalize(self.profile_tower(own), dim=1))
        q = gather(self.embed_text(minibatch.text))
        pooled = gather(own)
        scale = self.log_scale.exp().clamp(max=100.0)
        s = self.settings
        targets = weights(pooled, centre=s.centre, sharpness=s.sharpness, top=s.top)
        loss = clip(p, q, scale) if s.loss == "clip" else cwcl(p, q, scale, targets)
        return Step(
            terms={s.loss: loss},
            embeddings={"profile": p, "perturbation": q},
            monitors={"scale": scale, "target_entropy_share": entropy_share(targets)},
        )


class BagFeed:
    """Bags of the training perturbations, in a seeded order; the values are read once and indexed."""

    def __init__(self, values: Tensor, text: Tensor, members: Sequence[Rows], *, minibatch: int, bag: int | None, seed: int) -> None:
        self.values, self.text, self.members = values, text, list(members)
        self.size, self.bag, self.seed = minibatch, bag, seed

    def epoch(self, number: int, /) -> Sequence[Rows]:
        order = np.random.default_rng([self.seed, number]).permutation(len(self.members))
        whole = max(1, len(order) // self.size)
        return np.array_split(order, whole)

    def minibatch(self, rows: Rows, /, *, epoch: int) -> Bags:
        return self.bags(rows, size=self.bag, seed=[self.seed, epoch])

    def bags(self, rows: Rows, /, *, size: int | None = None, seed: Sequence[int] = (0,)) -> Bags:
        """Bags of these groups; whole ones unless a size is given."""
        taken, mask = bags.draw([self.members[i] for i in rows], size=size, seed=seed)
        first = torch.as_tensor(np.array([self.members[i][0] for i in rows]))
        return Bags(self.values[torch.as_tensor(taken)], torch.as_tensor(mask), self.text[first], torch.as_tensor(np.asarray(rows)))


def prepare(settings: TwoTowersSettings, profiles: anndata.AnnData, /, *, seed: int) -> Prepared:
    """The method with its data: Profiles of wells or sites, with a perturbation column. Controls are not trained on.

    Raises InputError where the profiles are too few, hold missing values, or the split leaks.
    """
    treated = without_controls(profiles)
    finite(treated)
    parts = split(treated.obs, settings.split, seed=seed)
    values, _, names = tables.blocks(treated, by=settings.blocks)
    text = text_features(treated, settings)
    members = bags.groups(treated.obs, by=settings.group_by)
    of_part = {part: [rows for rows in members.values() if parts[rows[0]] == part] for part in (TRAIN, VALIDATION)}
    torch.manual_seed(seed)
    method = TwoTowers(settings, channels=len(names), profile_width=values.shape[2], text_width=text.shape[1])
    training = np.clip(values[parts == TRAIN], -settings.clip_values, settings.clip_values)
    method.mean.copy_(torch.as_tensor(training.mean(axis=0)))
    method.spread.copy_(torch.as_tensor(np.maximum(training.std(axis=0), 1e-3)))
    whole = torch.as_tensor(values)
    feed = BagFeed(whole, text, of_part[TRAIN], minibatch=settings.minibatch, bag=settings.bag, seed=seed)
    held = BagFeed(whole, text, of_part[VALIDATION], minibatch=settings.minibatch, bag=None, seed=seed)
    facts = {
        "features": list(treated.var_names),
        "blocks": names,
        "profile_width": int(values.shape[2]),
        "text_width": int(text.shape[1]),
        "split": {
            part: sorted({str(p) for p in treated.obs.loc[parts == part, schema.PERTURBATION]}) for part in ("train", "validation", "test")
        },
        "correction": profiles.uns.get("correction", []),
        "cell_line": _only(treated.obs, schema.CELL_LINE),
        "perturbation_type": _only(treated.obs, schema.PERTURBATION_TYPE),
    }
    units = treated.obs.iloc[[int(rows[0]) for rows in of_part[TRAIN]]]
    return Prepared(method, feed, retrieval_score(held) if held.members else None, facts, units=units)


def retrieval_score(held: BagFeed, /) -> Callable[[Method], dict[str, float]]:
    """Validation: the mean reciprocal rank of the right partner, both ways, among the held-out perturbations."""

    def validate(method: Method) -> dict[str, float]:
        assert isinstance(method, TwoTowers)
        minibatch = held.bags(np.arange(len(held.members)))
        similarity = method.embed(minibatch) @ method.embed_text(minibatch.text).T
        own = similarity.diagonal()
        # Ties count half: a constant model scores as chance, not as perfect.
        ranks = [1 + (s > own[:, None]).sum(1) + 0.5 * ((s == own[:, None]).sum(1) - 1) for s in (similarity, similarity.T)]
        reciprocal = float(torch.cat([1.0 / r for r in ranks]).mean())
        n = len(own)
        return {"score": reciprocal, "chance": sum(1.0 / k for k in range(1, n + 1)) / n}

    return validate


def rebuild(settings: TwoTowersSettings, facts: dict[str, object], /) -> TwoTowers:
    """The method of a run, from what model.json remembers, with untrained weights."""
    return TwoTowers(
        settings,
        channels=len(facts["blocks"]),  # type: ignore[arg-type]
        profile_width=int(facts["profile_width"]),  # type: ignore[call-overload]
        text_width=int(facts["text_width"]),  # type: ignore[call-overload]
    )


def without_controls(profiles: anndata.AnnData) -> anndata.AnnData:
    """The treated rows: neither negative controls nor empty wells; all rows where nothing is said about controls."""
    tables.require(profiles, schema.PERTURBATION, task="training across modalities")
    if schema.CONTROL_TYPE not in profiles.obs:
        return profiles
    kept = ~profiles.obs[schema.CONTROL_TYPE].astype(str).isin([schema.NEGCON, schema.EMPTY]).to_numpy()
    return profiles[kept].copy()


def finite(profiles: anndata.AnnData) -> None:
    """Raise InputError where a feature holds missing or infinite values, naming the first."""
    bad = ~np.isfinite(tables.dense(profiles)).all(axis=0)
    if bad.any():
        first = profiles.var_names[int(np.flatnonzero(bad)[0])]
        raise InputError(
            f"{int(bad.sum())} features hold missing or infinite values (first: {first}); run: impasto correct --method select"
        )


def text_features(profiles: anndata.AnnData, settings: TwoTowersSettings) -> Tensor:
    """The frozen text features (rows, t) of every row's prompt; each distinct prompt is read once."""
    from impasto.nets.encoders import text

    return text.load(settings.text).encode(prompts(profiles, template=settings.template, details=tuple(settings.details)))


def _only(obs: pd.DataFrame, word: str) -> str | None:
    values = obs[word].dropna().unique() if word in obs else []
    return str(values[0]) if len(values) == 1 else None


SETTINGS = TwoTowersSettings
"""The settings that `[stage.method]` of a recipe is checked against."""
