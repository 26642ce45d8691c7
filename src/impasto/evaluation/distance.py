"""How far is a perturbation from its plates' controls? The test for wells without a second one, and for fewer than 20 perturbations.

On each plate, the mean of the perturbation's wells minus the mean of the plate's controls; averaged over plates; its length, in the
space of the first principal components of all wells. The p-value counts the orderings of treated wells and controls
(`statistics.permutation`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from impasto import mapped
from impasto.evaluation.design import Design, Flags, Rows
from impasto.statistics import permutation
from impasto.statistics.permutation import Permuted
from impasto.statistics.shuffles import ENOUGH_EXCEEDANCES

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def scores_of_components(values: Floats, components: int, /) -> Numbers:
    """The first principal components of all rows, features scaled to one variance: treated and controls alike.

    Parameters
    ----------
    values
        (n, features).
    components
        How many at most.

    Returns
    -------
    Numbers
        (n, k) the rows in the components, strongest first.

    """
    middle, spread = mapped.spread(values)
    varies = spread > 0

    def scaled(rows: slice) -> Numbers:
        return np.asarray((values[rows][:, varies] - middle[varies]) / spread[varies])

    _, vectors = np.linalg.eigh(np.sum([block.T @ block for block in map(scaled, mapped.blocks(values))], axis=0))
    return np.concatenate([block @ vectors[:, ::-1][:, :components] for block in map(scaled, mapped.blocks(values))])


def pools(rows: Rows, judges: Flags, where: Design, /) -> list[tuple[Rows, Rows]]:
    """Of each plate of a set, its rows and the controls that judge there; plates without such a control are left out.

    Parameters
    ----------
    rows
        The wells of a set.
    judges
        (n,) controls to compare with; those of the set itself are taken out.
    where
        The design.

    Returns
    -------
    list[tuple[Rows, Rows]]
        The rows of the set and the controls of each plate.

    """
    others = judges.copy()
    others[rows] = False
    sides = []
    for code in np.unique(where.plate[rows]):
        controls = where.rows(others & (where.plate == code))
        if len(controls):
            sides.append((rows[where.plate[rows] == code], controls))
    return sides


def compare_with_controls(
    space: Numbers, sets: Sequence[Rows], where: Design, /, *, rate: float, tested: int, seed: int
) -> list[Permuted | None]:
    """The test of every set of wells against the controls of its plates.

    Parameters
    ----------
    space
        (n, k) wells as points.
    sets
        The rows of each perturbation.
    where
        The design.
    rate, tested
        False discovery rate and the number of perturbations of the run: where orderings are drawn, 20 tested / rate at most.
    seed
        Of the draws.

    Returns
    -------
    list[Permuted | None]
        One a set; None where no plate of it has a control to compare with.

    """
    against = where.judges()
    most = int(np.ceil(ENOUGH_EXCEEDANCES * tested / rate))
    results: list[Permuted | None] = []
    for rows in sets:
        sides = [(space[own], space[controls]) for own, controls in pools(rows, against, where)]
        results.append(permutation.length_of_shift(sides, most_draws=most, seed=seed) if sides else None)
    return results
