"""Harmony: soft clusters in which each batch has its share, and in each cluster one shift a batch.

Repeated, with Z the profiles, Y the centroids, phi(i) the batch of row i:

    R_ki  proportional to  exp(-2 (1 - Y_k . z_i) / sigma) * ((E_kb + 1) / (O_kb + 1))^theta_b,   b = phi(i)       assignment
    Y_k   = sum_i R_ki z_i, at unit length                                                             centroids
    O_kb  = rows of batch b in cluster k,   E_kb = share of b * rows in k                              diversity
    W_kb  = sum_{i in b} R_ki (Z_i - m_k) / (sum_{i in b} R_ki + lambda)                                 ridge regression
    Z_i  <- Z_i(0) - sum_k R_ki W_k,phi(i);     z_i = Z_i at unit length

Korsunsky et al. 2019, algorithms 1 to 3. Arevalo et al. 2024 use it on Cell Painting. m_k, the intercept of the ridge regression, is solved
with the shifts. The defaults are sigma = .1, theta = 2, lambda = 1, and N / 30 clusters, at most 100.

Harmony is written out here: its authors' package is GPL-3, and keeps nothing that could be applied to rows it has not seen. First centroids
are scikit-learn's KMeans.

Departures. Each round ends with one assignment of all rows against fixed Y and O, and the shifts are taken from that. So a round is a
function of a profile and its batch alone. That makes a fitted Harmony applicable to rows that it has not seen. A batch that comes later is
mapped as Kang et al. 2021 (Symphony) do: centroids and intercepts stay, its own shifts are estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from impasto.correction.base import Array, Floats
from impasto.correction.per_group import By, Group, On, PerGroup
from impasto.schema import InputError
from impasto.settings import Settings

Rows = npt.NDArray[np.intp]
_FEWEST_ROWS = 10


class HarmonySettings(Settings):
    """What a batch is, and the method's own constants (its authors' defaults)."""

    method: Literal["harmony"] = "harmony"
    by: By = Field("batch", description="What a batch is: plate, batch or source.")
    clusters: int | None = Field(None, ge=2, description="Soft clusters; a thirtieth of the rows, 2 to 100, where left out.")
    sigma: float = Field(0.1, gt=0, description="Width of a cluster: the larger, the softer.")
    theta: float = Field(2.0, ge=0, description="How strongly batches are mixed within clusters; 0 does not mix them.")
    ridge: float = Field(1.0, ge=0, description="Penalty on a batch's shifts (lambda).")
    rounds: int = Field(10, ge=1, description="Rounds of clustering and correction, at most.")
    confounded: bool = Field(False, description="Accept a batch that shares no perturbation with the others.")
    seed: int = Field(0, description="Seed of the first centroids and of the order of updates.")


@dataclass(frozen=True)
class Round:
    """What all batches share in one round.

    Attributes
    ----------
    centroids
        (k, d), of unit length.
    intercepts
        (k, d).

    """

    centroids: Array
    intercepts: Array


@dataclass(frozen=True)
class BatchInRounds:
    """What a batch learned in all rounds.

    Attributes
    ----------
    weights
        Diversity weights (rounds, k).
    shifts
        (rounds, k, d).

    """

    weights: Array
    shifts: Array


@dataclass(frozen=True, kw_only=True)
class Harmony(PerGroup[HarmonySettings, BatchInRounds]):
    """Harmony after its fit.

    Attributes
    ----------
    rounds
        The rounds, in order, by their number as text.

    """

    name: ClassVar[str] = "harmony"
    settings_class: ClassVar[type[Settings]] = HarmonySettings
    least: ClassVar[Mapping[On, int]] = {"all": 2}
    settings: HarmonySettings
    learned: dict[str, BatchInRounds]
    rounds: dict[str, Round]

    @classmethod
    def begin(cls, groups: Mapping[str, Group], settings: HarmonySettings, keys: tuple[str, ...], /) -> Self:
        values = next(iter(groups.values())).table.astype(np.float64)
        if len(groups) < 2:
            raise InputError(f"harmony: there is one {settings.by} only, so there is nothing to align")
        if len(values) < _FEWEST_ROWS:
            raise InputError(f"harmony needs at least {_FEWEST_ROWS} rows to find clusters, not {len(values)}")
        rounds, learned = _rounds(values, {name: group.rows for name, group in groups.items()}, settings)
        return cls(settings=settings, keys=keys, learned=learned, rounds=rounds)

    def learn(self, values: Floats, _: Floats, /) -> BatchInRounds:
        uncorrected = values.astype(np.float64)
        current, shifts = uncorrected, []
        for step in self.rounds.values():
            share = assignment(current, step.centroids, np.ones(len(step.centroids)), sigma=self.settings.sigma)
            shifts.append(shift(uncorrected, share, step.intercepts, ridge=self.settings.ridge))
            current = uncorrected - share @ shifts[-1]
        return BatchInRounds(np.ones((len(shifts), len(shifts[0]))), np.array(shifts))

    def apply(self, values: Floats, learned: BatchInRounds, /) -> Array:
        uncorrected = values.astype(np.float64)
        current = uncorrected
        for step, weights, shifts in zip(self.rounds.values(), learned.weights, learned.shifts, strict=True):
            current = uncorrected - assignment(current, step.centroids, weights, sigma=self.settings.sigma) @ shifts
        return current


def assignment(values: Array, centroids: Array, weights: Array, /, *, sigma: float) -> Array:
    """Shares of each cluster in the rows of one batch, by the assignment equation.

    Parameters
    ----------
    values
        (n, d) rows of one batch.
    centroids
        (k, d), of unit length.
    weights
        (k,) the diversity weights of the batch.
    sigma
        Width of a cluster.

    Returns
    -------
    Array
        (n, k) of float64. Each row sums to one.

    """
    share = np.exp(_closeness(values, centroids, sigma=sigma)) * weights
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def shift(values: Array, share: Array, intercepts: Array, /, *, ridge: float) -> Array:
    """The shifts of one batch in all clusters, given the intercepts: the batch coefficients of the ridge regression.

    Parameters
    ----------
    values
        (n, d) rows of one batch.
    share
        (n, k) their shares of the clusters.
    intercepts
        (k, d).
    ridge
        The penalty lambda.

    Returns
    -------
    Array
        (k, d) of float64. The shifts W.

    """
    mass = share.sum(axis=0)[:, None]
    return np.asarray((share.T @ values - mass * intercepts) / (mass + ridge))


def _closeness(values: Array, centroids: Array, *, sigma: float) -> Array:
    """-2 (1 - cosine) / sigma, each row's largest taken off so that its exponential cannot vanish."""
    close = -2 * (1 - _unit(values) @ centroids.T) / sigma
    return np.asarray(close - close.max(axis=1, keepdims=True))


def _unit(rows: Array) -> Array:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0))


def _rounds(values: Array, groups: dict[str, Rows], settings: HarmonySettings) -> tuple[dict[str, Round], dict[str, BatchInRounds]]:
    """Rounds until the objective of the clusters stands still."""
    rng = np.random.default_rng(settings.seed)
    count = settings.clusters or int(np.clip(round(len(values) / 30), 2, 100))
    centroids = _first_centroids(_unit(values), count, seed=settings.seed)
    current, rounds, last = values, {}, np.inf
    weights_of: dict[str, list[Array]] = {name: [] for name in groups}
    shifts_of: dict[str, list[Array]] = {name: [] for name in groups}
    for number in range(settings.rounds):
        centroids, weights, objective = _clustered(_unit(current), centroids, groups, settings, rng=rng)
        share = np.empty((len(values), count))
        for rows, weight in zip(groups.values(), weights, strict=True):
            share[rows] = assignment(current[rows], centroids, weight, sigma=settings.sigma)
        intercepts = _intercepts(values, share, list(groups.values()), ridge=settings.ridge)
        rounds[str(number)] = Round(centroids, intercepts)
        current = values.copy()
        for (name, rows), weight in zip(groups.items(), weights, strict=True):
            weights_of[name].append(weight)
            shifts_of[name].append(shift(values[rows], share[rows], intercepts, ridge=settings.ridge))
            current[rows] -= share[rows] @ shifts_of[name][-1]
        if abs(last - objective) < 1e-4 * abs(objective):
            break
        last = objective
    return rounds, {name: BatchInRounds(np.array(weights_of[name]), np.array(shifts_of[name])) for name in groups}


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
    """((E + 1) / (O + 1))^theta for each batch and cluster (batches, k)."""
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
