"""What can a design show? The smallest p-value of its tests, how many hits that needs, and how many wells would allow one.

    floor p0 = 1 / ∏ C(c + k, k)        of the exchange of k treated wells with c controls, over plates
    floor p0 = 1 / (1 + m)              of the test of reproduction, m = max(draws, 2 M / rate)

Benjamini and Hochberg call r of M perturbations at p0 only where p0 <= rate r / M, so a floor needs r = ceil(M p0 / rate) hits at once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impasto.evaluation.design import Design
from impasto.evaluation.distance import pools
from impasto.evaluation.positions import FEWEST_POSITIONS, Played
from impasto.evaluation.reproduction import FEWEST_SETS
from impasto.statistics import permutation
from impasto.statistics.shuffles import ENOUGH_EXCEEDANCES

MOST_CONTROLS = 1000
"""Beyond so many controls a plate none is proposed."""


@dataclass(frozen=True)
class Plan:
    """What a design can show.

    Attributes
    ----------
    reproduction
        Whether reproduction is tested (else the distance to controls).
    perturbations
        How many are tested: M.
    plates
        How many plates the usual perturbation stands on.
    treated, controls
        Wells of it and controls that judge it, on each of these plates.
    positions
        How many spared positions there are to judge position by.
    floor
        The smallest p-value of the usual perturbation.
    hits_needed
        How many perturbations must be at the floor for one to be called.
    controls_needed
        How many controls a plate would let a perturbation be called alone; None where it can be, or where none would.

    """

    reproduction: bool
    perturbations: int
    plates: int
    treated: int
    controls: int
    positions: int
    floor: float
    hits_needed: int
    controls_needed: int | None

    def sentences(self) -> list[str]:
        """The plan in words, one sentence a fact.

        Returns
        -------
        list[str]
            The sentences, in the order they are printed.

        """
        what = "reproduction is tested" if self.reproduction else f"{_count(self.controls, 'control')} each"
        needed = "none can be called" if self.hits_needed > self.perturbations else f"{self.hits_needed} must reach it for one to be called"
        tested = _count(self.perturbations, "perturbation")
        lines = [f"{_count(self.plates, 'plate')}, {what}: the smallest p is {self.floor:.2g}; of {tested}, {needed}"]
        if self.controls_needed is not None:
            lines.append(f"{self.controls_needed} controls a plate, or one plate more, would allow a lone hit")
        if self.reproduction and self.positions < FEWEST_POSITIONS:
            lines.append(
                f"{self.positions} spared positions; {FEWEST_POSITIONS} are needed to tell an effect from the position of a well, so here "
                "position is not excluded"
            )
        return lines


def smallest_p(pools_of_plates: Sequence[tuple[int, int]], /) -> float:
    """The smallest p-value of the exchange of treated wells with controls: 1 / ∏ C(c + k, k).

    Parameters
    ----------
    pools_of_plates
        Treated wells and controls (k, c) of each plate.

    Returns
    -------
    float
        The floor.

    """
    return 1 / permutation.orderings(pools_of_plates)


def null_size(draws: int, tested: int, rate: float, /) -> int:
    """How many sets of residuals are drawn, so that a lone hit is possible at this false discovery rate.

    Parameters
    ----------
    draws
        How many at least.
    tested
        Perturbations of the family.
    rate
        The false discovery rate.

    Returns
    -------
    int
        m, the size of the null of reproduction.

    """
    return max(draws, math.ceil(2 * tested / rate))


def hits_needed(tested: int, floor: float, rate: float, /) -> int:
    """How many perturbations must be at the floor for one of them to be called.

    Parameters
    ----------
    tested
        Perturbations of the family.
    floor
        The smallest p-value.
    rate
        The false discovery rate.

    Returns
    -------
    int
        The number; more than `tested` where none can be called.

    """
    return max(1, math.ceil(tested * floor / rate * (1 - 1e-12)))


def controls_for_a_lone_hit(treated: Sequence[int], tested: int, rate: float, /) -> int | None:
    """The fewest controls a plate at which the floor allows one hit alone.

    Parameters
    ----------
    treated
        Wells of the perturbation on each of its plates.
    tested, rate
        M and the false discovery rate.

    Returns
    -------
    int | None
        The number; None where a thousand are too few.

    """
    for controls in range(1, MOST_CONTROLS + 1):
        if hits_needed(tested, smallest_p([(k, controls) for k in treated]), rate) == 1:
            return controls
    return None


def plan(where: Design, which: Played, /, *, reproduction: bool, draws: int, rate: float) -> Plan:
    """The plan of a design, for the layout that most of its perturbations have.

    Parameters
    ----------
    where
        The design.
    which
        The spared positions that play perturbations.
    reproduction
        Whether reproduction is tested.
    draws
        Size of its null, at least.
    rate
        False discovery rate.

    Returns
    -------
    Plan
        The plan.

    """
    judges, tested = where.judges(), len(where.names)
    usual = Counter(tuple((len(own), len(controls)) for own, controls in pools(rows, judges, where)) for rows in where.members).most_common(
        1
    )[0][0]
    if reproduction:
        floor, needed = 1 / (1 + null_size(draws, tested, rate)), None
    else:
        counted = permutation.orderings(usual) <= permutation.MOST_ORDERINGS
        floor = smallest_p(usual) if counted else 1 / (1 + math.ceil(ENOUGH_EXCEEDANCES * tested / rate))
        needed = controls_for_a_lone_hit([k for k, _ in usual], tested, rate) if hits_needed(tested, floor, rate) > 1 else None
    controls = int(np.median([c for _, c in usual])) if usual else 0
    treated = int(np.median([k for k, _ in usual])) if usual else 0
    return Plan(reproduction, tested, len(usual), treated, controls, which.positions, floor, hits_needed(tested, floor, rate), needed)


def can_test_reproduction(where: Design, /) -> bool:
    """Whether 20 perturbations have two wells or more.

    Parameters
    ----------
    where
        The design.

    Returns
    -------
    bool
        Whether reproduction can be tested.

    """
    return sum(len(rows) > 1 for rows in where.members) >= FEWEST_SETS


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
