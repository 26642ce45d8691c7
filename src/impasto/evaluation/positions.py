"""Is it the position? Spared controls at one position of several plates play a perturbation that does nothing.

A compound that keeps its well on every plate shares that position's light, edge and pipetting. Its wells are alike for this alone, and
p1 of `reproduction` cannot tell. Spared positions show how alike:

    p2 = 1 - F_t((T - m) / (s k sqrt(1 + 1/n)), n - 1),    k = sqrt(K0 (K0 - 1) / (K (K - 1)))

m, s and n are mean, standard deviation and number of T of the spared positions (K0 wells each), whitened as the perturbations are.
With fewer than 12 positions there is no p2, and position is not excluded.

Where perturbations change their well from plate to plate, spared wells are drawn into sets of other positions, as many a plate as a
perturbation has. Departure: where played sets differ in size, each is first scaled to one pair of wells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from impasto.evaluation.design import Design, Rows
from impasto.evaluation.reproduction import FEWEST_FOR_COSINE, Reproduction

Numbers = npt.NDArray[np.float64]
FEWEST_POSITIONS = 12
CALLED_AT = 0.05
MOST_CALLED = 0.10
"""A run that calls more of its spared positions than this is not calibrated."""


@dataclass(frozen=True)
class Played:
    """Sets of spared controls that play perturbations.

    Attributes
    ----------
    sets
        The rows of each, two or more.
    positions
        How many different positions they stand for: what a standard deviation can be learned from.

    """

    sets: list[Rows]
    positions: int


def played(where: Design, /, *, seed: int) -> Played:
    """Let spared controls play perturbations of this design.

    Parameters
    ----------
    where
        The design.
    seed
        Of the drawing, where sets are drawn of other positions.

    Returns
    -------
    Played
        The sets, plate set by plate set: plates that share perturbations are played together, no plate twice.

    """
    fixed = _keep_their_place(where)
    sets: list[Rows] = []
    positions: set[int] = set()
    rng = np.random.default_rng(seed)
    centred = where.controls_of_plates() > 0
    for codes, a_plate in _plate_sets(where):
        spared = where.rows(where.judging & np.isin(where.plate, codes) & centred[where.plate])
        if fixed and len(codes) > 1 and where.place is not None:
            for place in np.unique(where.place[spared]):
                rows = spared[where.place[spared] == place]
                if len(rows) > 1:
                    sets.append(rows)
                    positions.add(int(place))
        else:
            made = _of_other_positions(spared, where.plate, codes, a_plate, rng)
            positions.update(-1 - len(sets) - number for number in range(len(made)))
            sets += made
    return Played(sets, len(positions))


def _keep_their_place(where: Design) -> bool:
    """Whether most perturbations on several plates keep their positions: half as many positions as wells, or fewer."""
    if where.place is None:
        return False
    several = [rows for rows in where.members if len(np.unique(where.plate[rows])) > 1]
    same = [2 * len(np.unique(where.place[rows])) <= len(rows) for rows in several]
    return bool(same) and float(np.mean(same)) >= 0.5


def _plate_sets(where: Design) -> list[tuple[Rows, int]]:
    """Plates that hold the same perturbations, the most common sets first, and how many wells of one a plate has."""
    counted = Counter(tuple(np.unique(where.plate[rows]).tolist()) for rows in where.members if len(rows) > 1)
    chosen: list[tuple[Rows, int]] = []
    taken: set[int] = set()
    for codes, _ in sorted(counted.items(), key=lambda item: (-item[1], -len(item[0]), item[0])):
        if taken.isdisjoint(codes):
            taken.update(codes)
            sizes = [len(rows) // len(codes) for rows in where.members if tuple(np.unique(where.plate[rows]).tolist()) == codes]
            chosen.append((np.array(codes, dtype=np.intp), max(1, int(np.median(sizes)))))
    return chosen


def _of_other_positions(spared: Rows, plate: Rows, codes: Rows, a_plate: int, rng: np.random.Generator) -> list[Rows]:
    """Spared wells of these plates, shuffled, so many a plate in each set; those left over are not played."""
    wells = max(a_plate, 2) if len(codes) == 1 else a_plate
    decks = [rng.permutation(np.flatnonzero(plate[spared] == code)) for code in codes]
    rounds = min(len(deck) // wells for deck in decks)
    return [spared[np.sort(np.concatenate([deck[i * wells : (i + 1) * wells] for deck in decks]))] for i in range(rounds)]


@dataclass(frozen=True)
class Spread:
    """T of the spared positions: their mean, their standard deviation scaled to one pair of wells, and how many there are.

    Attributes
    ----------
    mean, deviation
        Of T; the deviation times sqrt(K0 (K0 - 1)).
    positions
        n.

    """

    mean: float
    deviation: float
    positions: int

    def p_values(self, statistics: Numbers, sizes: Numbers, /) -> Numbers:
        """The p-values p2 of sets.

        Where all spared positions have one T, a larger one has p2 = 0: p1 then decides.

        Parameters
        ----------
        statistics
            (sets,) T.
        sizes
            (sets,) wells of each.

        Returns
        -------
        Numbers
            (sets,) NaN where T is.

        """
        scale = self.deviation / np.sqrt(sizes * (sizes - 1)) * np.sqrt(1 + 1 / self.positions)
        above = statistics - self.mean
        with np.errstate(divide="ignore", invalid="ignore"):
            p = stats.t.sf(np.where(scale > 0, above / scale, np.where(above > 0, np.inf, -np.inf)), self.positions - 1)
        return np.asarray(np.where(np.isfinite(statistics), p, np.nan))


def spread(
    statistics: Sequence[float] | Numbers, sizes: Sequence[float] | Numbers, /, *, positions: int, fewest: int = FEWEST_POSITIONS
) -> Spread | None:
    """What spared positions show of T.

    Parameters
    ----------
    statistics, sizes
        T and the number of wells K0 of each.
    positions
        How many different positions they stand for.
    fewest
        How many must be there.

    Returns
    -------
    Spread | None
        Their mean and deviation; None with fewer positions whose T is known.

    """
    values, wells = np.array(statistics, dtype=np.float64), np.array(sizes, dtype=np.float64)
    usable = np.isfinite(values) & (wells > 1)
    count = min(positions, int(usable.sum()))
    if count < fewest:
        return None
    values, wells = values[usable], wells[usable]
    mean = float(values.mean())
    scaled = (values - mean) * np.sqrt(wells * (wells - 1))
    return Spread(mean, float(np.sqrt((scaled**2).sum() / (len(values) - 1))), count)


@dataclass(frozen=True)
class Judged:
    """The p-values of perturbations.

    Attributes
    ----------
    statistic
        (sets,) T: a product for two wells, a mean cosine for more.
    p1, p2
        (sets,) p2 is NaN where position could not be judged.

    """

    statistic: Numbers
    p1: Numbers
    p2: Numbers

    @property
    def p(self) -> Numbers:
        """(sets,) the larger of the two; p1 where there is no p2."""
        return np.fmax(self.p1, self.p2)


def judge(test: Reproduction, number: int, which: Played, /, *, without: Sequence[int | None] | None = None) -> Judged:
    """p1 and p2 of the first `number` sets of a test, whose other sets are the played ones.

    Parameters
    ----------
    test
        The whitened wells.
    number
        How many of its sets are perturbations.
    which
        The played sets.
    without
        Of each perturbation, a plate whose wells are left out. The played positions keep theirs.

    Returns
    -------
    Judged
        T, p1 and p2 of each perturbation.

    """
    dropped = [None] * number if without is None else list(without)
    sizes = np.array([test.size(j, without=dropped[j]) for j in range(number)], dtype=np.float64)
    cosine = sizes >= FEWEST_FOR_COSINE
    values = np.array([test.statistic(j, cosine=bool(cosine[j]), without=dropped[j]) for j in range(number)])
    p1 = np.array([test.p_value(j, without=dropped[j]) for j in range(number)])
    p2 = np.full(number, np.nan)
    for kind in (False, True):
        own = (cosine == kind) & (sizes > 1)
        known = _of_played(test, number, which, cosine=kind) if own.any() else None
        if known:
            p2[own] = known.p_values(values[own], sizes[own])
    return Judged(values, p1, p2)


def _of_played(test: Reproduction, number: int, which: Played, *, cosine: bool) -> Spread | None:
    sets = range(number, number + len(which.sets))
    return spread([test.statistic(j, cosine=cosine) for j in sets], [test.size(j) for j in sets], positions=which.positions)


def called(test: Reproduction, number: int, which: Played, /) -> npt.NDArray[np.bool_]:
    """Which played positions the test calls at .05, each judged by the others: what the calibration of a run rests on.

    Parameters
    ----------
    test
        The whitened wells.
    number
        How many of its sets are perturbations; the played ones follow.
    which
        The played sets.

    Returns
    -------
    npt.NDArray[np.bool_]
        (played,)

    """
    sets = range(number, number + len(which.sets))
    p1 = np.array([test.p_value(j) for j in sets])
    sizes = np.array([test.size(j) for j in sets], dtype=np.float64)
    p2 = np.full(len(sets), np.nan)
    for kind in (False, True):
        values = np.array([test.statistic(j, cosine=kind) for j in sets])
        for place in np.flatnonzero((sizes >= FEWEST_FOR_COSINE) == kind):
            others = np.arange(len(sets)) != place
            known = spread(values[others], sizes[others], positions=which.positions - 1, fewest=FEWEST_POSITIONS - 1)
            p2[place] = known.p_values(values[[place]], sizes[[place]])[0] if known else np.nan
    return np.asarray(np.fmax(p1, p2) <= CALLED_AT)
