"""Controls are a sample too: a score without groups of the controls that judge it, as a second kind of units of its interval.

Control wells leave plate by plate, `CONTROL_GROUPS` groups a plate, and the variances of plates add. Controls that play a perturbation
(control positions, non-targeting guides) leave as wholes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from impasto.evaluation.layout import by_place
from impasto.evaluation.replicate_sets import ReplicateSets, Rows
from impasto.statistics import jackknife
from impasto.statistics.jackknife import LeftOut

CONTROL_GROUPS = 8
"""So many groups of control wells a plate."""
WELL, POSITION, GUIDE = "control well", "control position", "non-targeting guide"
"""What leaves, as the unit of an interval names it."""
Flags = npt.NDArray[np.bool_]


def of_wells(sets: ReplicateSets, /, *, seed: int) -> Rows:
    """The group of every control well.

    Parameters
    ----------
    sets
        The perturbations and controls of n rows.
    seed
        Of the groups.

    Returns
    -------
    Rows
        (n,) the plate's number times `CONTROL_GROUPS`, plus the group on the plate; -1 for a row that is no control.

    """
    rows = by_place(sets.controls, sets.order)
    group = np.full(len(sets.plate), -1, dtype=np.intp)
    for code in np.unique(sets.plate[rows]):
        own = rows[sets.plate[rows] == code]
        group[own] = code * CONTROL_GROUPS + jackknife.deal(len(own), seed=seed, most=CONTROL_GROUPS)
    return group


def of_layout(controls: Mapping[str, Rows], order: Rows, /, *, seed: int) -> Rows:
    """The group of every control well of a table that is known plate by plate.

    Parameters
    ----------
    controls
        Plate -> rows of its controls.
    order
        (n,) the rank of each row by what tells it from the others.
    seed
        Of the groups.

    Returns
    -------
    Rows
        (n,) as `of_wells` gives them; plates are numbered in the order of their names.

    """
    group = np.full(len(order), -1, dtype=np.intp)
    for code, plate in enumerate(sorted(controls)):
        own = controls[plate]
        ordered = own[np.argsort(order[own])]
        group[ordered] = code * CONTROL_GROUPS + jackknife.deal(len(own), seed=seed, most=CONTROL_GROUPS)
    return group


def left_out(whole: float, without: Callable[[int], float], group: Rows, /) -> list[LeftOut]:
    """A score without each group of control wells, plate by plate.

    Parameters
    ----------
    whole
        The score.
    without
        Takes the number of a group, and gives the score without it.
    group
        (n,) of `of_wells`.

    Returns
    -------
    list[LeftOut]
        One entry a plate.

    """
    strata = []
    for code in np.unique(group[group >= 0] // CONTROL_GROUPS):
        own = group[group // CONTROL_GROUPS == code]
        single = np.array([without(int(number)) for number in np.unique(own)], dtype=np.float64)
        strata.append(LeftOut(whole, single, None, len(own), WELL))
    return strata


def played(whole: float, without: Callable[[Flags], float], count: int, /, *, seed: int) -> LeftOut:
    """A score without each group of controls that play perturbations.

    Parameters
    ----------
    whole
        The score.
    without
        Takes which of them stay (count,), and gives the score of these.
    count
        How many there are.
    seed
        Of the groups.

    Returns
    -------
    LeftOut
        The score, and the scores without groups.

    """
    single = np.array([without(stay) for stay in stays(count, seed=seed)], dtype=np.float64)
    return LeftOut(whole, single, None, count)


def stays(count: int, /, *, seed: int) -> list[Flags]:
    """Which controls that play perturbations stay, group by group.

    Parameters
    ----------
    count
        How many there are.
    seed
        Of the groups.

    Returns
    -------
    list[Flags]
        (count,) each.

    """
    group = jackknife.deal(count, seed=seed)
    return [group != g for g in range(int(group.max(initial=-1)) + 1)]
