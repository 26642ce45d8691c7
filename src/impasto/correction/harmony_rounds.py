"""The rounds of Harmony (harmony.py): clusters in turns, then one shift a batch and cluster.

Rows, rows at unit length, and shares are float32, in memory or in files beside the rows; sums over rows are float64, a block of rows at a
time. A fit with a folder leaves each round there when it is done, and goes on after the last one that it finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from impasto import mapped, whole
from impasto.correction.base import Array, Floats
from impasto.scale import sums

Rows = npt.NDArray[np.intp]
_BLOCK = 4096
"""Rows that are computed together."""
_TURNS = 20
_PARTS = 20
"""Of the rows, whose shares are updated together."""
MOST_FOR_CENTROIDS = 100_000
"""Rows that the first centroids are taken from, at most."""


@dataclass(frozen=True)
class Constants:
    """What a fit is done with.

    Attributes
    ----------
    clusters
        k.
    sigma
        Width of a cluster.
    theta
        How strongly batches are mixed.
    ridge
        Penalty on shifts.
    rounds
        At most.
    seed
        Of the first centroids and of the order of updates.

    """

    clusters: int
    sigma: float
    theta: float
    ridge: float
    rounds: int
    seed: int


@dataclass(frozen=True)
class Done:
    """A round.

    Attributes
    ----------
    centroids
        (k, d), of unit length.
    intercepts
        (k, d).
    weights
        (batches, k) diversity weights.
    objective
        Of the clusters.

    """

    centroids: Array
    intercepts: Array
    weights: Array
    objective: float


@dataclass(frozen=True)
class Rounds:
    """All rounds.

    Attributes
    ----------
    rounds
        In order.
    shifts
        (batches, most rounds, k, d), float32; of rounds that were done.

    """

    rounds: list[Done]
    shifts: Floats


def unit(rows: npt.NDArray[np.floating], /) -> Array:
    """Rows at unit length.

    Parameters
    ----------
    rows
        (n, d).

    Returns
    -------
    Array
        (n, d) of float64; a row of zeros stays.

    """
    wide = rows.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1.0))


def assignment(units: npt.NDArray[np.floating], centroids: Array, weights: Array, /, *, sigma: float) -> Array:
    """Shares of each cluster in the rows of one batch, by the assignment equation.

    Parameters
    ----------
    units
        (n, d) rows of one batch, of unit length.
    centroids
        (k, d), of unit length.
    weights
        (k,) the diversity weights of the batch, or (n, k) those of each row.
    sigma
        Width of a cluster.

    Returns
    -------
    Array
        (n, k) of float64. Each row sums to one.

    """
    share = _closeness(units, centroids, sigma=sigma) * weights
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def shift(mass: Array, total: Array, intercepts: Array, /, *, ridge: float) -> Array:
    """The shifts of one batch in all clusters, given the intercepts: the batch coefficients of the ridge regression.

    Parameters
    ----------
    mass
        (k,) rows of the batch in each cluster: the sums of their shares.
    total
        (k, d) the sums of the rows of the batch in each cluster.
    intercepts
        (k, d).
    ridge
        The penalty lambda.

    Returns
    -------
    Array
        (k, d) of float64. The shifts W.

    """
    return np.asarray((total - mass[:, None] * intercepts) / (mass[:, None] + ridge))


def intercepts_of(mass: Array, total: Array, /, *, ridge: float) -> Array:
    """The intercept of each cluster's ridge regression on the batches; only the batches' coefficients are penalised.

    With n_b the rows of batch b in the cluster and s_b their sum, eliminating the coefficients leaves
    m sum_b n_b lambda / (n_b + lambda) = sum_b s_b lambda / (n_b + lambda).

    Parameters
    ----------
    mass
        (batches, k) rows of each batch in each cluster.
    total
        (batches, k, d) their sums.
    ridge
        The penalty lambda.

    Returns
    -------
    Array
        (k, d) of float64. The intercepts m.

    """
    part = ridge / (mass + ridge)
    above = np.einsum("bk,bkd->kd", part, total)
    return np.asarray(above / np.maximum((mass * part).sum(axis=0)[:, None], 1e-12))


def _closeness(units: npt.NDArray[np.floating], centroids: Array, *, sigma: float) -> Array:
    """exp(-2 (1 - cosine) / sigma), over each row's largest, which cannot vanish."""
    close = -2 * (1 - units.astype(np.float64) @ centroids.T) / sigma
    close -= close.max(axis=1, keepdims=True)
    return np.asarray(np.exp(close, out=close))


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, rows)) for start in range(0, rows, _BLOCK))


def fit(values: Floats, groups: Sequence[Rows], chosen: Constants, scratch: Path | None, /) -> Rounds:
    """Rounds until the objective of the clusters stands still.

    Parameters
    ----------
    values
        (n, d) rows, in memory or mapped.
    groups
        The rows of each batch, ascending.
    chosen
        The constants.
    scratch
        A folder for rounds that are done; None keeps none.

    Returns
    -------
    Rounds
        The rounds.

    """
    return _Fit(values, groups, chosen).run(scratch)


class _Fit:
    """The rows, their unit rows and shares while rounds are done."""

    def __init__(self, values: Floats, groups: Sequence[Rows], chosen: Constants) -> None:
        self.values, self.groups, self.chosen = values, groups, chosen
        n, d, k = len(values), values.shape[1], chosen.clusters
        self.batch = np.empty(n, dtype=np.intp)
        for number, rows in enumerate(groups):
            self.batch[rows] = number
        self.shares_of_batches = np.bincount(self.batch) / n
        self.units: Floats = mapped.zeros_beside(values, (n, d))
        self.share: Floats = mapped.zeros_beside(values, (n, k))
        self.close: Floats = mapped.zeros_beside(values, (n, k))
        self.shifts: Floats = mapped.zeros_beside(values, (len(groups), chosen.rounds, k, d))

    def run(self, scratch: Path | None) -> Rounds:
        rng = np.random.default_rng(self.chosen.seed)
        for block in _blocks(len(self.values)):
            self.units[block] = unit(self.values[block])
        rounds = self._rounds_kept(scratch, rng)
        centroids = rounds[-1].centroids if rounds else self._first_centroids()
        for number in range(len(rounds), self.chosen.rounds):
            if _stands_still(rounds):
                break
            centroids, weights, objective = self._clustered(centroids, rng)
            rounds.append(self._shifted(number, centroids, weights, objective))
            self._move(number, rounds[-1])
            if scratch is not None:
                self._keep(scratch, number, rounds[-1], rng)
        return Rounds(rounds, self.shifts)

    # ------------------------------------------------------------ clusters
    def _first_centroids(self) -> Array:
        from sklearn.cluster import KMeans

        n, seed = len(self.units), self.chosen.seed
        rows: Any = self.units
        if n > MOST_FOR_CENTROIDS:
            rows = self.units[np.sort(np.random.default_rng(seed).choice(n, MOST_FOR_CENTROIDS, replace=False))]
        return unit(KMeans(self.chosen.clusters, n_init=10, max_iter=25, random_state=seed).fit(rows).cluster_centers_)

    def _clustered(self, centroids: Array, rng: np.random.Generator) -> tuple[Array, Array, float]:
        """Centroids (k, d), the diversity weights (batches, k), and the objective, after at most 20 turns."""
        n, k, sigma = len(self.units), self.chosen.clusters, self.chosen.sigma
        observed = np.zeros((len(self.groups), k))
        for block in _blocks(n):
            self.share[block] = assignment(self.units[block], centroids, np.ones(k), sigma=sigma)
            observed += self._by_batch(np.arange(block.start, block.stop), self.share[block])
        history: list[float] = []
        for _ in range(_TURNS):
            total = np.zeros_like(centroids)
            for block in _blocks(n):
                total += self.share[block].T.astype(np.float64) @ self.units[block].astype(np.float64)
            centroids = unit(total)
            for block in _blocks(n):
                self.close[block] = _closeness(self.units[block], centroids, sigma=sigma)
            for part in np.array_split(rng.permutation(n), _PARTS):
                self._update(np.sort(part), observed)
            history.append(self._objective(centroids, observed))
            if len(history) > 3 and abs(sum(history[-4:-1]) - sum(history[-3:])) < 1e-5 * abs(sum(history[-4:-1])):
                break
        return centroids, self._diversity(observed), history[-1]

    def _update(self, rows: Rows, observed: Array) -> None:
        """New shares of some rows, which are taken out of what is observed and put into it again."""
        observed -= self._by_batch(rows, self.share[rows])
        new = self.close[rows] * self._diversity(observed)[self.batch[rows]]
        self.share[rows] = new / new.sum(axis=1, keepdims=True)
        observed += self._by_batch(rows, self.share[rows])

    def _by_batch(self, rows: Rows, shares: Floats) -> Array:
        """The shares of some rows, summed by batch (batches, k)."""
        ones = csr_array((np.ones(len(rows)), (self.batch[rows], np.arange(len(rows)))), shape=(len(self.groups), len(rows)))
        return np.asarray(ones @ shares.astype(np.float64))

    def _diversity(self, observed: Array) -> Array:
        """((E + 1) / (O + 1))^theta for each batch and cluster (batches, k)."""
        expected = self.shares_of_batches[:, None] * observed.sum(axis=0)
        return np.asarray(((expected + 1) / (observed + 1)) ** self.chosen.theta)

    def _objective(self, centroids: Array, observed: Array) -> float:
        distance, entropy = 0.0, 0.0
        for block in _blocks(len(self.units)):
            share = self.share[block].astype(np.float64)
            distance += float((share * 2 * (1 - self.units[block].astype(np.float64) @ centroids.T)).sum())
            entropy += float((share * np.log(np.maximum(share, 1e-300))).sum())
        expected = self.shares_of_batches[:, None] * observed.sum(axis=0)
        spread = float((observed * np.log((observed + 1) / (expected + 1))).sum())
        return distance + self.chosen.sigma * entropy + self.chosen.sigma * self.chosen.theta * spread

    # ------------------------------------------------------------ shifts
    def _shifted(self, number: int, centroids: Array, weights: Array, objective: float) -> Done:
        """The shifts of a round: one assignment of all rows against fixed centroids and weights, then the ridge regression."""
        k, d = centroids.shape
        mass, total = np.zeros((len(self.groups), k)), np.zeros((len(self.groups), k, d))
        for batch, part in self._parts():
            share = assignment(self.units[part], centroids, weights[batch], sigma=self.chosen.sigma)
            mass[batch] += share.sum(axis=0)
            total[batch] += share.T @ self.values[part].astype(np.float64)
        intercepts = intercepts_of(mass, total, ridge=self.chosen.ridge)
        for batch in range(len(self.groups)):
            self.shifts[batch, number] = shift(mass[batch], total[batch], intercepts, ridge=self.chosen.ridge)
        return Done(centroids, intercepts, weights, objective)

    def _move(self, number: int, done: Done) -> None:
        """The rows after a round, at unit length."""
        for batch, part in self._parts():
            share = assignment(self.units[part], done.centroids, done.weights[batch], sigma=self.chosen.sigma)
            self.units[part] = unit(self.values[part] - share @ self.shifts[batch, number])

    def _parts(self) -> Iterator[tuple[int, Rows]]:
        """The rows of each batch, a block at a time."""
        return ((batch, rows[block]) for batch, rows in enumerate(self.groups) for block in _blocks(len(rows)))

    # ------------------------------------------------------------ rounds on disk
    def _keep(self, scratch: Path, number: int, done: Done, rng: np.random.Generator) -> None:
        arrays: dict[str, npt.NDArray[Any]] = {
            "centroids": done.centroids,
            "intercepts": done.intercepts,
            "weights": done.weights,
            "shifts": self.shifts[:, number],
        }
        words = {"objective": [done.objective.hex()], "rng": [json.dumps(rng.bit_generator.state)]}
        with whole.replacing(scratch / f"round-{number:02d}.safetensors") as temporary:
            sums.save(sums.Part(arrays, words), temporary)

    def _rounds_kept(self, scratch: Path | None, rng: np.random.Generator) -> list[Done]:
        """The rounds that a fit that was killed has left; rows and random numbers are where they were after the last of them."""
        rounds: list[Done] = []
        while scratch is not None and (path := scratch / f"round-{len(rounds):02d}.safetensors").exists():
            part = sums.load(path)
            centroids, intercepts, weights = (np.asarray(part.arrays[name]) for name in ("centroids", "intercepts", "weights"))
            self.shifts[:, len(rounds)] = part.arrays["shifts"]
            rounds.append(Done(centroids, intercepts, weights, float.fromhex(part.words["objective"][0])))
            self._move(len(rounds) - 1, rounds[-1])
            rng.bit_generator.state = json.loads(part.words["rng"][0])
        return rounds


def _stands_still(rounds: Sequence[Done]) -> bool:
    if len(rounds) < 2:
        return False
    before, last = rounds[-2].objective, rounds[-1].objective
    return abs(before - last) < 1e-4 * abs(last)
