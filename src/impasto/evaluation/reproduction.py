"""Do the wells of a perturbation move the same way? The test of reproduction.

    T = mean over pairs of its wells of (w x_a) . (w x_b),    w'w = S_f^-1

S_f is the noise of the controls and of the *other* folds' replicates, so that no perturbation whitens itself. From three wells on, w x is
brought to unit length first (T is a mean cosine), which wells that are merely noisy do not fool. Two wells have a product: there the
cosine finds little (.07 of effects against .26), and equal noise is assumed.

p1 = (1 + #{null >= T}) / (1 + m) with m = max(draws, 2 M / rate): the same of residuals of wells of different perturbations of the
fold, with random signs. For a product each residual is times sqrt(1 + 1/c), with c controls on its plate.

Departures, for designs with several wells of a perturbation on a plate. Such wells share the error of their plate's centre. Its
expectation is taken off T: 1/(1 + c) of a cosine, v/c of a product (v the mean squared length of a residual). The null draws that
error too (`residual_null`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from impasto import mapped
from impasto.evaluation import noise, residual_null
from impasto.evaluation.design import Design, Rows
from impasto.evaluation.noise import Centred
from impasto.evaluation.residual_null import Crowded, Lender

Numbers = npt.NDArray[np.float64]
FOLDS = 5
FEWEST_SETS = 20
"""With fewer perturbations of two wells there is no null to draw from."""
FEWEST_FOR_COSINE = 3
Pattern = tuple[bool, int, Crowded]
"""Whether the statistic is a cosine, the number of wells, and the plates with several of them."""


@dataclass
class Reproduction:
    """Whitened wells and residuals of all sets, and the nulls drawn from them.

    Attributes
    ----------
    sets
        Rows of each set: perturbations first, then positions that play one.
    wells
        (K, r) whitened wells of each set.
    residuals
        (K, r) whitened residuals of each set.
    fold
        (sets,) the fold of each.
    factors
        (r, r) the factor of the noise of each fold.
    plate, controls
        (n,) plate of every row; (plates,) fitting controls of each plate.
    draws
        Size of a null.
    seed
        Of the draws.

    """

    sets: list[Rows]
    wells: list[Numbers]
    residuals: list[Numbers]
    fold: Rows
    factors: list[Numbers]
    plate: Rows
    controls: Rows
    draws: int
    seed: int
    _nulls: dict[Pattern, Numbers] = field(default_factory=dict)
    _lenders: dict[int, Lender] = field(default_factory=dict)

    def statistic(self, number: int, /, *, cosine: bool, without: int | None = None) -> float:
        """T of one set.

        Parameters
        ----------
        number
            Which set.
        cosine
            Whether wells are brought to unit length.
        without
            A plate whose wells are left out.

        Returns
        -------
        float
            The mean over pairs of wells, less what sharing a plate's centre makes of it; NaN with fewer than two wells.

        """
        stays = self._stays(number, without)
        own = unit(self.wells[number][stays]) if cosine else self.wells[number][stays]
        if len(own) < 2:
            return float("nan")
        size = len(own)
        pairs = (float((own.sum(axis=0) ** 2).sum()) - float((own**2).sum())) / (size * (size - 1))
        length = self._lender(int(self.fold[number])).length
        bias = sum(k * (k - 1) * residual_null.shared(c, length, cosine=cosine) for k, c in self._crowded(number, stays))
        return pairs - bias / (size * (size - 1))

    def p_value(self, number: int, /, *, without: int | None = None) -> float:
        """The p-value p1 of one set.

        Parameters
        ----------
        number
            Which set.
        without
            A plate whose wells are left out.

        Returns
        -------
        float
            p1; NaN with fewer than two wells.

        """
        stays = self._stays(number, without)
        size = int(stays.sum())
        if size < 2:
            return float("nan")
        cosine = size >= FEWEST_FOR_COSINE
        crowded = self._crowded(number, stays)
        null = self._null((cosine, size, tuple(sorted(crowded))))
        reach = self.statistic(number, cosine=cosine, without=without)
        if not cosine and not crowded:
            reach /= float(np.sqrt(np.prod(1 + 1 / self.controls[self.plate[self.sets[number][stays]]])))
        at_least = len(null) - np.searchsorted(null, reach - 1e-12 * abs(reach), side="left")
        return float((1 + at_least) / (1 + len(null)))

    def size(self, number: int, /, *, without: int | None = None) -> int:
        """How many wells a set has.

        Parameters
        ----------
        number
            Which set.
        without
            A plate whose wells are left out.

        Returns
        -------
        int
            The number.

        """
        return int(self._stays(number, without).sum())

    def _stays(self, number: int, without: int | None) -> npt.NDArray[np.bool_]:
        return np.asarray(self.plate[self.sets[number]] != (-1 if without is None else without))

    def _crowded(self, number: int, stays: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
        """The plates with several wells of the set: how many, and how many controls."""
        counted = Counter(self.plate[self.sets[number]][stays].tolist())
        return [(k, int(self.controls[code])) for code, k in sorted(counted.items()) if k > 1]

    def _lender(self, fold: int) -> Lender:
        if fold not in self._lenders:
            own = [self.residuals[j] for j in np.flatnonzero(self.fold == fold).tolist()]
            self._lenders[fold] = residual_null.lender(own, seed=[self.seed, fold])
        return self._lenders[fold]

    def _null(self, pattern: Pattern) -> Numbers:
        """T of sets of residuals (draws,), sorted; all folds together."""
        if pattern not in self._nulls:
            rng = np.random.default_rng([self.seed, *map(int, pattern[:2]), *(number for pair in pattern[2] for number in pair)])
            share = -(-self.draws // FOLDS)
            cosine, size, crowded = pattern
            parts = [residual_null.drawn(self._lender(f), size, crowded, cosine=cosine, draws=share, rng=rng) for f in range(FOLDS)]
            self._nulls[pattern] = np.sort(np.concatenate(parts))
        return self._nulls[pattern]


def reproduction(x: Centred, where: Design, sets: Sequence[Rows], /, *, draws: int, seed: int) -> Reproduction:
    """Whiten the wells of every set by the noise of the other folds.

    Parameters
    ----------
    x
        Centred wells.
    where
        The design.
    sets
        Rows of each set, two wells or more each, at least 20 sets.
    draws
        Size of each null.
    seed
        Of folds and draws.

    Returns
    -------
    Reproduction
        The whitened wells, ready to be tested.

    """
    fold = np.empty(len(sets), dtype=np.intp)
    fold[np.random.default_rng(seed).permutation(len(sets))] = np.arange(len(sets)) % FOLDS
    residuals = noise.of_replicates(x.values, sets, where.plate)
    controls = noise.of_controls(x.values, where)
    white: list[Numbers] = [np.empty(0)] * len(sets)
    rest: list[Numbers] = [np.empty(0)] * len(sets)
    factors = []
    for number in range(FOLDS):
        own, others = np.flatnonzero(fold == number).tolist(), np.flatnonzero(fold != number).tolist()
        factor = noise.shrunk_factor([controls, *(residuals[j] for j in others)], features=x.features)
        factors.append(factor)
        if len(own):
            wells = mapped.take(x.values, np.concatenate([sets[j] for j in own]))
            of_wells = noise.whitened_sets(np.split(wells, np.cumsum([len(sets[j]) for j in own])[:-1]), factor)
            of_rest = noise.whitened_sets([residuals[j] for j in own], factor)
            for place, j in enumerate(own):
                white[j], rest[j] = of_wells[place], of_rest[place]
    return Reproduction(list(sets), white, rest, fold, factors, where.plate, where.controls_of_plates(), draws, seed)


def unit(rows: Numbers, /) -> Numbers:
    """Rows brought to length one along the last axis.

    Parameters
    ----------
    rows
        (..., r).

    Returns
    -------
    Numbers
        (..., r) Zero stays zero.

    """
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1))
