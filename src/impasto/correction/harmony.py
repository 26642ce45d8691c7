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

Rows are held in float32, and summed in float64. Those of many plates lie in files beside their own: the rows, the rows at unit length, and
two shares a cluster, all read a page at a time. Above 100,000 rows the first centroids are those of as many, drawn.

Departures. Each round ends with one assignment of all rows against fixed Y and O, and the shifts are taken from that. So a round is a
function of a profile and its batch alone. That makes a fitted Harmony applicable to rows that it has not seen. A batch that comes later is
mapped as Kang et al. 2021 (Symphony) do: centroids and intercepts stay, its own shifts are estimated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from impasto.correction import harmony_rounds
from impasto.correction.base import Array, Floats, Kind
from impasto.correction.harmony_rounds import Constants, assignment, shift, unit
from impasto.correction.per_group import By, Group, On, PerGroup
from impasto.schema import InputError
from impasto.settings import Settings

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
        (rounds, k, d), float32.

    """

    weights: Array
    shifts: Floats


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
    def kind(cls, _: HarmonySettings, /) -> Kind:
        return "matrix"

    @classmethod
    def begin(cls, groups: Mapping[str, Group], settings: HarmonySettings, keys: tuple[str, ...], /) -> Self:
        return cls._begun(groups, settings, keys, None)

    @classmethod
    def begin_in(cls, scratch: Path, groups: Mapping[str, Group], settings: HarmonySettings, keys: tuple[str, ...], /) -> Self:
        return cls._begun(groups, settings, keys, scratch)

    @classmethod
    def _begun(cls, groups: Mapping[str, Group], settings: HarmonySettings, keys: tuple[str, ...], scratch: Path | None) -> Self:
        values = next(iter(groups.values())).table
        if len(groups) < 2:
            raise InputError(f"harmony: there is one {settings.by} only, so there is nothing to align")
        if len(values) < _FEWEST_ROWS:
            raise InputError(f"harmony needs at least {_FEWEST_ROWS} rows to find clusters, not {len(values)}")
        rows = [group.rows for group in groups.values()]
        fitted = harmony_rounds.fit(values, rows, constants_of(settings, len(values)), scratch)
        rounds = {str(number): Round(done.centroids, done.intercepts) for number, done in enumerate(fitted.rounds)}
        weights = np.array([done.weights for done in fitted.rounds])
        count = len(fitted.rounds)
        learned = {name: BatchInRounds(weights[:, batch], fitted.shifts[batch, :count]) for batch, name in enumerate(groups)}
        return cls(settings=settings, keys=keys, learned=learned, rounds=rounds)

    def learn(self, values: Floats, _: Floats, /) -> BatchInRounds:
        uncorrected = values.astype(np.float64)
        current, shifts = uncorrected, []
        for step in self.rounds.values():
            share = assignment(unit(current), step.centroids, np.ones(len(step.centroids)), sigma=self.settings.sigma)
            mass, sums = share.sum(axis=0), share.T @ uncorrected
            shifts.append(shift(mass, sums, step.intercepts, ridge=self.settings.ridge).astype(np.float32))
            current = uncorrected - share @ shifts[-1]
        return BatchInRounds(np.ones((len(shifts), len(shifts[0]))), np.array(shifts))

    def apply(self, values: Floats, learned: BatchInRounds, /) -> Array:
        uncorrected = values.astype(np.float64)
        current = uncorrected
        for step, weights, shifts in zip(self.rounds.values(), learned.weights, learned.shifts, strict=True):
            current = uncorrected - assignment(unit(current), step.centroids, weights, sigma=self.settings.sigma) @ shifts
        return current


def constants_of(settings: HarmonySettings, rows: int, /) -> Constants:
    """The constants of a fit.

    Parameters
    ----------
    settings
        The settings.
    rows
        How many rows there are.

    Returns
    -------
    Constants
        With a number of clusters: a thirtieth of the rows, 2 to 100, where the settings name none.

    """
    clusters = settings.clusters or int(np.clip(round(rows / 30), 2, 100))
    return Constants(clusters, settings.sigma, settings.theta, settings.ridge, settings.rounds, settings.seed)
