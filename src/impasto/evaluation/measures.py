"""The distances between wells that choices of wells are tested by: energy distance, and sliced 2-Wasserstein."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from impasto.evaluation import energy, sliced_wasserstein

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


class Measure(Protocol):
    """A distance that choices of wells are tested by.

    Attributes
    ----------
    is_costly
        Whether the p-values without groups of controls are made of fewer choices.

    """

    is_costly: ClassVar[bool]

    def __call__(self, pool: Rows) -> Callable[[Rows], Numbers]:
        """The statistic of choices among the wells of a pool.

        Parameters
        ----------
        pool
            The rows of the wells of a pool.

        Returns
        -------
        Callable[[Rows], Numbers]
            Takes choices (choices, K) of places in the pool, and gives the distance of each.

        """
        ...

    def without_groups(self, pool: Rows, group: Rows) -> Callable[[Rows], Numbers]:
        """The statistic of choices without each group of wells.

        Parameters
        ----------
        pool
            The rows of the wells of a pool.
        group
            (pool,) the group that each leaves with; -1 for one that stays.

        Returns
        -------
        Callable[[Rows], Numbers]
            Takes choices (choices, K), and gives (choices, groups) distances; NaN where a chosen well has left.

        """
        ...


@dataclass(frozen=True)
class Energy:
    """Energy distances; distances between controls are kept plate by plate.

    Attributes
    ----------
    points
        (wells, r, d).
    plate
        (wells,) codes.
    controls
        (wells,) which are negative controls.
    at
        (wells,) the place of a control among those of its plate.
    kept
        The distances between the controls of two plates.
    is_costly
        False.

    """

    points: Numbers
    plate: Rows
    controls: npt.NDArray[np.bool_]
    at: Rows
    kept: dict[tuple[int, int], Numbers] = field(default_factory=dict)
    is_costly: ClassVar[bool] = False

    def __call__(self, pool: Rows) -> Callable[[Rows], Numbers]:
        """The statistic of choices among the wells of a pool.

        Parameters
        ----------
        pool
            The rows of the wells of a pool.

        Returns
        -------
        Callable[[Rows], Numbers]
            Takes choices (choices, K) of places in the pool, and gives the distance of each.

        """
        return partial(energy.of_choices, self._distances(pool))

    def without_groups(self, pool: Rows, group: Rows) -> Callable[[Rows], Numbers]:
        """The statistic of choices without each group of wells.

        Parameters
        ----------
        pool
            The rows of the wells of a pool.
        group
            (pool,) the group that each leaves with; -1 for one that stays.

        Returns
        -------
        Callable[[Rows], Numbers]
            As `energy.without_groups` gives it.

        """
        return partial(energy.without_groups, self._distances(pool), group)

    def _distances(self, pool: Rows) -> Numbers:
        """Between all wells of a pool."""
        is_control = self.controls[pool]
        treated, controls = np.flatnonzero(~is_control), np.flatnonzero(is_control)
        distances = np.zeros((len(pool), len(pool)))
        distances[treated] = energy.between(self.points[pool[treated]], self.points[pool])
        distances[:, treated] = distances[treated].T
        plates = self.plate[pool[controls]]
        for one in np.unique(plates):
            for other in np.unique(plates):
                own, others = controls[plates == one], controls[plates == other]
                places = np.ix_(self.at[pool[own]], self.at[pool[others]])
                distances[np.ix_(own, others)] = self._among(int(one), int(other))[places]
        return distances

    def _among(self, one: int, other: int) -> Numbers:
        if (one, other) not in self.kept:
            first, second = (np.flatnonzero(self.controls & (self.plate == code)) for code in (one, other))
            self.kept[one, other] = energy.between(self.points[first], self.points[second])
            self.kept[other, one] = self.kept[one, other].T
        return self.kept[one, other]


@dataclass(frozen=True)
class Sliced:
    """Sliced 2-Wasserstein distances.

    Attributes
    ----------
    along
        (wells, r, L) points along directions.
    is_costly
        True.

    """

    along: Numbers
    is_costly: ClassVar[bool] = True

    def __call__(self, pool: Rows) -> Callable[[Rows], Numbers]:
        """The statistic of choices among the wells of a pool.

        Parameters
        ----------
        pool
            The rows of the wells of a pool.

        Returns
        -------
        Callable[[Rows], Numbers]
            Takes choices (choices, K) of places in the pool, and gives the distance of each.

        """
        return partial(sliced_wasserstein.of_choices, self.along[pool])

    def without_groups(self, pool: Rows, group: Rows) -> Callable[[Rows], Numbers]:
        """The statistic of choices without each group of wells.

        Parameters
        ----------
        pool
            The rows of the wells of a pool.
        group
            (pool,) the group that each leaves with; -1 for one that stays.

        Returns
        -------
        Callable[[Rows], Numbers]
            As `sliced_wasserstein.without_groups` gives it.

        """
        return partial(sliced_wasserstein.without_groups, self.along[pool], group)
