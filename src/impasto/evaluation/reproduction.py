"""Do the wells of a perturbation move the same way? The test of reproduction.

    T = mean over pairs of its wells of (w x_a) . (w x_b),    w'w = S_f^-1

S_f is the noise of the controls and of the *other* folds' replicates, so that no perturbation whitens itself. From three wells on, w x is
brought to unit length first (T is a mean cosine), which wells that are merely noisy do not fool. Two wells have a product: there the
cosine finds little (.07 of effects against .26), and equal noise is assumed.

p1 = (1 + #{null >= T}) / (1 + m) with m = max(draws, 2 M / rate): the same of residuals of wells of different perturbations of the
fold, with random signs. For a product each residual is times sqrt(1 + 1/c), with c controls on its plate.

Departures, for designs with several wells of a perturbation on a plate. Such wells share the error of their plate's centre. Its
expectation is taken off T: 1/(1 + c) of a cosine, v/c of a product (v the mean squared length of a residual). The null draws that
error too. Where a fold has fewer perturbations than a set has wells, or above 24, fewer wells are drawn, and the null is scaled by
sqrt(k (k - 1) / (K (K - 1))).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from impasto.evaluation import noise
from impasto.evaluation.design import Design, Rows
from impasto.evaluation.noise import Centred

Numbers = npt.NDArray[np.float64]
FOLDS = 5
FEWEST_SETS = 20
"""With fewer perturbations of two wells there is no null to draw from."""
FEWEST_FOR_COSINE = 3
MOST_DRAWN = 24
_BLOCK = 2**22
"""So many numbers of drawn wells are held at once."""
Pattern = tuple[bool, int, tuple[tuple[int, int], ...]]
"""Whether the statistic is a cosine, the number of wells, and the plates with several of them: (wells, controls) each."""


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
        The mean over pairs of wells, less what sharing a plate's centre makes of it; NaN with fewer than two wells.

        """
        stays = self._stays(number, without)
        own = unit(self.wells[number][stays]) if cosine else self.wells[number][stays]
        if len(own) < 2:
            return float("nan")
        size = len(own)
        pairs = (float((own.sum(axis=0) ** 2).sum()) - float((own**2).sum())) / (size * (size - 1))
        shared = sum(k * (k - 1) * self._shared(number, c, cosine=cosine) for k, c in self._crowded(number, stays))
        return pairs - shared / (size * (size - 1))

    def p_value(self, number: int, /, *, without: int | None = None) -> float:
        """p1 of one set, of its wells or of those that are not on a plate left out; NaN with fewer than two wells."""
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
        """How many wells a set has, without those on a plate left out."""
        return int(self._stays(number, without).sum())

    def _stays(self, number: int, without: int | None) -> npt.NDArray[np.bool_]:
        return np.asarray(self.plate[self.sets[number]] != (-1 if without is None else without))

    def _crowded(self, number: int, stays: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
        """The plates with several wells of the set: how many, and how many controls."""
        codes, counts = np.unique(self.plate[self.sets[number]][stays], return_counts=True)
        return [(int(k), int(self.controls[code])) for code, k in zip(codes, counts, strict=True) if k > 1]

    def _shared(self, number: int, controls: int, *, cosine: bool) -> float:
        """What the error of a centre adds to a pair of wells of one plate."""
        return 1 / (1 + controls) if cosine else self._length_of_residual(int(self.fold[number])) / controls

    def _length_of_residual(self, fold: int) -> float:
        return float(np.mean([(self.residuals[j] ** 2).sum(axis=1).mean() for j in np.flatnonzero(self.fold == fold)]))

    def _null(self, pattern: Pattern) -> Numbers:
        """T of sets of residuals (draws,), sorted; all folds together."""
        if pattern not in self._nulls:
            rng = np.random.default_rng([self.seed, *map(int, pattern[:2]), *(number for pair in pattern[2] for number in pair)])
            share = -(-self.draws // FOLDS)
            self._nulls[pattern] = np.sort(np.concatenate([self._drawn(fold, pattern, share, rng) for fold in range(FOLDS)]))
        return self._nulls[pattern]

    def _drawn(self, fold: int, pattern: Pattern, draws: int, rng: np.random.Generator) -> Numbers:
        cosine, size, crowded = pattern
        own = np.flatnonzero(self.fold == fold)
        take = min(size, len(own), MOST_DRAWN)
        flat = np.concatenate([self.residuals[j] for j in own])
        lengths = np.array([len(self.residuals[j]) for j in own])
        starts = np.cumsum(lengths) - lengths
        plates = _spread_over_plates(size, crowded, take)
        values = np.empty(draws)
        block = max(1, _BLOCK // (take * flat.shape[1]))
        for first in range(0, draws, block):
            count = min(block, draws - first)
            picked = distinct(len(own), take, count, rng)
            wells = flat[starts[picked] + (rng.random(picked.shape) * lengths[picked]).astype(np.intp)]
            wells *= rng.choice([-1.0, 1.0], size=(*picked.shape, 1))
            for k, c, members in plates:
                error = flat[rng.integers(0, len(flat), count)] * rng.choice([-1.0, 1.0], size=(count, 1)) / np.sqrt(c)
                wells[:, members] += error[:, None]
            if cosine:
                wells = unit(wells)
            total = wells.sum(axis=1)
            values[first : first + count] = ((total**2).sum(axis=1) - (wells**2).sum(axis=(1, 2))) / (take * (take - 1))
        shared = sum(len(m) * (len(m) - 1) * self._shared(int(own[0]), c, cosine=cosine) for _, c, m in plates)
        return np.asarray((values - shared / (take * (take - 1))) * np.sqrt(take * (take - 1) / (size * (size - 1))))


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

    """
    fold = np.empty(len(sets), dtype=np.intp)
    fold[np.random.default_rng(seed).permutation(len(sets))] = np.arange(len(sets)) % FOLDS
    residuals = noise.of_replicates(x.values, sets, where.plate)
    controls = noise.of_controls(x.values, where)
    white: list[Numbers] = [np.empty(0)] * len(sets)
    rest: list[Numbers] = [np.empty(0)] * len(sets)
    factors = []
    for number in range(FOLDS):
        own, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        factor = noise.shrunk_factor(np.concatenate([controls, *(residuals[j] for j in others)]), features=x.features)
        factors.append(factor)
        if len(own):
            ends = np.cumsum([len(sets[j]) for j in own])[:-1]
            of_wells = np.split(noise.whitened(x.values[np.concatenate([sets[j] for j in own])], factor), ends)
            of_rest = np.split(noise.whitened(np.concatenate([residuals[j] for j in own]), factor), ends)
            for place, j in enumerate(own):
                white[j], rest[j] = of_wells[place], of_rest[place]
    return Reproduction(list(sets), white, rest, fold, factors, where.plate, where.controls_of_plates(), draws, seed)


def unit(rows: Numbers, /) -> Numbers:
    """Rows of length one along the last axis; zero stays zero."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1))


def distinct(among: int, take: int, draws: int, rng: np.random.Generator, /) -> Rows:
    """`take` different numbers below `among` in each of `draws` rows (draws, take), drawn at random."""
    picked = rng.integers(0, among, (draws, take))
    for column in range(1, take):
        repeated = np.flatnonzero((picked[:, :column] == picked[:, [column]]).any(axis=1))
        while len(repeated):
            picked[repeated, column] = rng.integers(0, among, len(repeated))
            repeated = repeated[(picked[repeated, :column] == picked[repeated, column][:, None]).any(axis=1)]
    return picked


def _spread_over_plates(size: int, crowded: Sequence[tuple[int, int]], take: int) -> list[tuple[int, int, Rows]]:
    """Of `take` drawn wells, which stand together on a plate: wells and controls of each such plate, and the places of the wells."""
    plate = np.full(size, -1)
    start = 0
    for number, (k, _) in enumerate(crowded):
        plate[start : start + k] = number
        start += k
    kept = plate[np.round(np.linspace(0, size - 1, take)).astype(int)]
    return [(k, c, members) for number, (k, c) in enumerate(crowded) if len(members := np.flatnonzero(kept == number)) > 1]
