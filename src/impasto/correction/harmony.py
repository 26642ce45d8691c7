"""Harmony: soft clusters in which every batch has its share, and in each cluster one shift a batch.

Repeated, with Z the profiles, Y the centroids, phi(i) the batch of row i:

    R_ki  proportional to  exp(-2 (1 - Y_k . z_i) / sigma) * ((E_kb + 1) / (O_kb + 1))^theta_b,   b = phi(i)       assignment
    Y_k   = sum_i R_ki z_i, at unit length                                                             centroids
    O_kb  = rows of batch b in cluster k,   E_kb = share of b * rows in k                              diversity
    W_kb  = sum_{i in b} R_ki (Z_i - m_k) / (sum_{i in b} R_ki + lambda)                                 ridge regression
    Z_i  <- Z_i(0) - sum_k R_ki W_k,phi(i);     z_i = Z_i at unit length

Korsunsky et al. 2019 (algorithms 1 to 3; Arevalo et al. 2024 use it on Cell Painting). m_k, the intercept of the ridge
regression, is solved with the shifts; sigma = .1, theta = 2, lambda = 1, N / 30 clusters, at most 100.

Departures. Each round ends with one assignment of all rows against fixed Y and O, and the shifts are taken from that: so a round is
a function of a profile and its batch alone, which is what makes a fitted Harmony applicable to rows that it has not seen. A batch
that was not there is met as Kang et al. 2021 (Symphony) do: centroids and intercepts stay, its own shifts are estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, refuse_confounded, unmet, with_values
from impasto.schema import InputError
from impasto.settings import Settings

Rows = npt.NDArray[np.intp]


class HarmonySettings(Settings):
    """What a batch is, and the method's own constants (its authors' defaults)."""

    by: Literal["plate", "batch", "source"] = "batch"
    clusters: int | None = None
    sigma: float = 0.1
    theta: float = 2.0
    ridge: float = 1.0
    rounds: int = 10
    confounded: bool = False
    """Whether a batch that shares no perturbation with the others is accepted."""
    seed: int = 0


@dataclass(frozen=True)
class Round:
    """One round: centroids (k, d), intercepts (k, d), and for each batch its diversity weight (k,) and its shifts (k, d)."""

    centroids: Array
    intercepts: Array
    weights: dict[str, Array]
    shifts: dict[str, Array]


@dataclass(frozen=True)
class Harmony(Corrector):
    """The rounds, in order; `rounds` maps their number to what each learned."""

    name: ClassVar[str] = "harmony"
    settings_class: ClassVar[type[Settings]] = HarmonySettings
    settings: HarmonySettings
    rounds: dict[str, Round]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Harmony:
        assert isinstance(settings, HarmonySettings)
        values = finite_values(profiles, task=cls.name)
        groups = dict(each(profiles, settings.by, task=cls.name))
        if len(groups) < 2:
            raise InputError(f"harmony: there is one {settings.by} only, so there is nothing to align")
        refuse_confounded(profiles, settings.by, task=cls.name, confounded=settings.confounded)
        if len(values) < 10:
            raise InputError(f"harmony needs at least 10 rows to find clusters, not {len(values)}")
        return cls(settings, _rounds(values, groups, settings))

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite_values(profiles, task=self.name)
        out = np.empty_like(values)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            mine = values[rows]
            for step in self.rounds.values():
                of_group(step.shifts, group, task=self.name, by=self.settings.by)
                share = assignment(mine, step.centroids, step.weights[group], sigma=self.settings.sigma)
                mine = values[rows] - share @ step.shifts[group]
            out[rows] = mine
        return with_values(profiles, out)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite_values(profiles, task=self.name)
        first = next(iter(self.rounds.values()))
        new = dict(unmet(first.shifts, profiles, self.settings.by, task=self.name))
        current = {group: values[rows] for group, rows in new.items()}
        rounds = {}
        for number, step in self.rounds.items():
            weights, shifts = dict(step.weights), dict(step.shifts)
            for group, rows in new.items():
                weights[group] = np.ones(len(step.centroids))
                share = assignment(current[group], step.centroids, weights[group], sigma=self.settings.sigma)
                shifts[group] = shift(values[rows], share, step.intercepts, ridge=self.settings.ridge)
                current[group] = values[rows] - share @ shifts[group]
            rounds[number] = replace(step, weights=weights, shifts=shifts)
        return replace(self, rounds=rounds)

    def met(self) -> tuple[str, ...]:
        return tuple(next(iter(self.rounds.values())).shifts)


def assignment(values: Array, centroids: Array, weights: Array, /, *, sigma: float) -> Array:
    """Shares (n, k) of each cluster in rows (n, d) of one batch, its diversity weight (k,) applied; each row sums to one."""
    share = np.exp(_closeness(values, centroids, sigma=sigma)) * weights
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def shift(values: Array, share: Array, intercepts: Array, /, *, ridge: float) -> Array:
    """Shifts (k, d) of one batch, given the intercepts: the ridge regression's batch coefficients."""
    mass = share.sum(axis=0)[:, None]
    return np.asarray((share.T @ values - mass * intercepts) / (mass + ridge))


def _closeness(values: Array, centroids: Array, *, sigma: float) -> Array:
    """-2 (1 - cosine) / sigma, each row's largest taken off so that its exponential cannot vanish."""
    close = -2 * (1 - _unit(values) @ centroids.T) / sigma
    return np.asarray(close - close.max(axis=1, keepdims=True))


def _unit(rows: Array) -> Array:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0))


def _rounds(values: Array, groups: dict[str, Rows], settings: HarmonySettings) -> dict[str, Round]:
    """Rounds until the objective of the clusters stands still."""
    rng = np.random.default_rng(settings.seed)
    count = settings.clusters or int(np.clip(round(len(values) / 30), 2, 100))
    centroids = _first_centroids(_unit(values), count, seed=settings.seed)
    current, rounds, last = values, {}, np.inf
    for number in range(settings.rounds):
        centroids, weights, objective = _clustered(_unit(current), centroids, groups, settings, rng=rng)
        share = np.empty((len(values), count))
        for (_, rows), weight in zip(groups.items(), weights, strict=True):
            share[rows] = assignment(current[rows], centroids, weight, sigma=settings.sigma)
        intercepts = _intercepts(values, share, list(groups.values()), ridge=settings.ridge)
        shifts = {g: shift(values[rows], share[rows], intercepts, ridge=settings.ridge) for g, rows in groups.items()}
        rounds[str(number)] = Round(centroids, intercepts, dict(zip(groups, weights, strict=True)), shifts)
        current = values.copy()
        for group, rows in groups.items():
            current[rows] -= share[rows] @ shifts[group]
        if abs(last - objective) < 1e-4 * abs(objective):
            break
        last = objective
    return rounds


def _first_centroids(rows: Array, count: int, *, seed: int) -> Array:
    from sklearn.cluster import KMeans

    return _unit(KMeans(count, n_init=10, max_iter=25, random_state=seed).fit(rows).cluster_centers_)


def _clustered(
    rows: Array, centroids: Array, groups: dict[str, Rows], settings: HarmonySettings, *, rng: np.random.Generator
) -> tuple[Array, list[Array], float]:
    """Centroids (k, d), each batch's diversity weights (k,), and the objective, after at most 20 turns."""
    batch = np.empty(len(rows), dtype=np.intp)
    for number, members in enumerate(groups.values()):
        batch[members] = number
    shares_of_batches = np.bincount(batch) / len(rows)
    share = np.exp(_closeness(rows, centroids, sigma=settings.sigma))
    share /= share.sum(axis=1, keepdims=True)
    observed = np.array([share[batch == b].sum(axis=0) for b in range(len(groups))])  # (batches, k)
    history: list[float] = []
    for _ in range(20):
        centroids = _unit(share.T @ rows)
        close = np.exp(_closeness(rows, centroids, sigma=settings.sigma))
        for block in np.array_split(rng.permutation(len(rows)), 20):
            np.subtract.at(observed, batch[block], share[block])
            weights = _diversity(observed, shares_of_batches, theta=settings.theta)
            share[block] = close[block] * weights[batch[block]]
            share[block] /= share[block].sum(axis=1, keepdims=True)
            np.add.at(observed, batch[block], share[block])
        history.append(_objective(rows, centroids, share, observed, shares_of_batches, settings))
        if len(history) > 3 and abs(sum(history[-4:-1]) - sum(history[-3:])) < 1e-5 * abs(sum(history[-4:-1])):
            break
    return centroids, list(_diversity(observed, shares_of_batches, theta=settings.theta)), history[-1]


def _diversity(observed: Array, shares_of_batches: Array, *, theta: float) -> Array:
    """((E + 1) / (O + 1))^theta for every batch and cluster (batches, k)."""
    expected = shares_of_batches[:, None] * observed.sum(axis=0)
    return np.asarray(((expected + 1) / (observed + 1)) ** theta)


def _objective(rows: Array, centroids: Array, share: Array, observed: Array, shares_of_batches: Array, settings: HarmonySettings) -> float:
    distance = float((share * 2 * (1 - rows @ centroids.T)).sum())
    entropy = float((share * np.log(np.maximum(share, 1e-300))).sum())
    expected = shares_of_batches[:, None] * observed.sum(axis=0)
    spread = float((observed * np.log((observed + 1) / (expected + 1))).sum())
    return distance + settings.sigma * entropy + settings.sigma * settings.theta * spread


def _intercepts(values: Array, share: Array, groups: Sequence[Rows], *, ridge: float) -> Array:
    """Intercept (k, d) of each cluster's ridge regression on the batches; only the batches' coefficients are penalised.

    With n_b the rows of batch b in the cluster and s_b their sum, eliminating the coefficients leaves
    m sum_b n_b lambda / (n_b + lambda) = sum_b s_b lambda / (n_b + lambda).
    """
    above, below = 0.0, 0.0
    for rows in groups:
        mass = share[rows].sum(axis=0)[:, None]
        above = above + share[rows].T @ values[rows] * ridge / (mass + ridge)
        below = below + mass * ridge / (mass + ridge)
    return np.asarray(above / np.maximum(below, 1e-12))
