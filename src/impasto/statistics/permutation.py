"""Do these wells differ from their plates' controls? Exact where the orderings can be counted, drawn where they cannot.

Under the null hypothesis the k treated wells of a plate are k more of its c controls: any k of the k + c could have been the treated
ones, plate by plate. The statistic is the length of the mean difference,

    T = |Σ_plates (mean of treated - mean of controls)| / plates,
    p = share of orderings with T >= observed, the true one included.

Up to 200,000 orderings are counted. Beyond that orderings are drawn until twenty exceed (Besag & Clifford 1991), or the budget is spent.
No p-value is ever halved at ties: false discovery control needs p-values that are valid as they are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.statistics.shuffles import ENOUGH_EXCEEDANCES

Numbers = npt.NDArray[np.float64]
Side = tuple[Numbers, Numbers]
"""One plate: its treated wells (k, d) and its controls (c, d)."""
MOST_ORDERINGS = 200_000
"""So many orderings at most are counted one by one."""
_BLOCK = 1000
ROUNDING = 1e-9
"""Relative: orderings that tie with the true one but for rounding count as reaching it."""


@dataclass(frozen=True)
class Permuted:
    """The answer of a permutation test.

    Attributes
    ----------
    statistic
        T as observed.
    p
        The p-value.
    floor
        The smallest p-value that these plates could give.
    exact
        Whether all orderings were counted.

    """

    statistic: float
    p: float
    floor: float
    exact: bool


def orderings(pools: Sequence[tuple[int, int]], /) -> int:
    """In how many ways the treated wells could have been chosen: the product of C(c + k, k) over plates.

    Parameters
    ----------
    pools
        Treated wells and controls (k, c) of each plate.

    Returns
    -------
    int
        The number of orderings.

    """
    return math.prod(math.comb(treated + controls, treated) for treated, controls in pools)


def p_value(observed: float, null: Numbers, /) -> float:
    """(1 + #{null >= observed}) / (1 + draws), with a tolerance for rounding so that ties count.

    Parameters
    ----------
    observed
        The statistic of the true labels.
    null
        (draws,) that of labels drawn at random.

    Returns
    -------
    float
        The p-value.

    """
    return float((1 + (null >= observed - ROUNDING).sum()) / (1 + len(null)))


def p_of_draws(reach: Callable[[int], npt.NDArray[np.bool_]], /, *, most: int) -> float:
    """The p-value of draws that stop at the twentieth exceedance (Besag & Clifford 1991).

    Parameters
    ----------
    reach
        Draws so many labellings, and says which of them reach the observed statistic.
    most
        How many are drawn at most.

    Returns
    -------
    float
        Exceedances / draws at the draw of the twentieth; without so many, (1 + exceedances) / (1 + draws).

    """
    reached, drawn = 0, 0
    while drawn < most:
        size = min(_BLOCK, most - drawn)
        above = np.flatnonzero(reach(size))
        if reached + len(above) >= ENOUGH_EXCEEDANCES:
            return ENOUGH_EXCEEDANCES / (drawn + int(above[ENOUGH_EXCEEDANCES - reached - 1]) + 1)
        reached, drawn = reached + len(above), drawn + size
    return (1 + reached) / (1 + most)


def length_of_shift(sides: Sequence[Side], /, *, most_draws: int, seed: int) -> Permuted:
    """Test the length of the mean difference from controls over plates.

    Parameters
    ----------
    sides
        The plates: treated wells (k, d) and controls (c, d) of each, at least one of either.
    most_draws
        How many orderings are drawn at most where they cannot all be counted.
    seed
        Of the draws.

    Returns
    -------
    Permuted
        The test. Its floor is one over the number of orderings, or over one more than the draws.

    """
    pools = [(len(treated), len(controls)) for treated, controls in sides]
    count = orderings(pools)
    if count <= MOST_ORDERINGS:
        squares = _squared_lengths([_all_shifts(*side) for side in sides])
        reached = float((squares >= squares[0] * (1 - ROUNDING)).mean())
        return Permuted(float(np.sqrt(squares[0])) / len(sides), reached, 1 / count, exact=True)
    return _drawn(sides, most_draws=most_draws, seed=seed)


def _all_shifts(treated: Numbers, controls: Numbers) -> Numbers:
    """The mean difference of every choice of k wells among k + c (choices, d); the true choice first."""
    rows = np.concatenate([treated, controls])
    k, c = len(treated), len(controls)
    chosen = np.array(list(itertools.combinations(range(k + c), k)), dtype=np.intp)
    return _shift(_sums(rows, chosen), rows.sum(axis=0), k, c)


def _sums(rows: Numbers, chosen: npt.NDArray[np.intp]) -> Numbers:
    """The sum of the chosen rows (choices, d), one chosen well at a time: all at once would be k times as large."""
    total = np.zeros((len(chosen), rows.shape[1]))
    for members in chosen.T:
        total += rows[members]
    return total


def _shift(sums: Numbers, total: Numbers, k: int, c: int) -> Numbers:
    return np.asarray(sums / k - (total - sums) / c)


def _squared_lengths(shifts: list[Numbers]) -> Numbers:
    """|Σ_plates shift|² of every combination of one choice a plate, flat; the true one first."""
    total = np.zeros((1,) * len(shifts))
    for plate, own in enumerate(shifts):
        total = total + _along((own**2).sum(axis=1), (plate,), len(shifts))
        for other in range(plate):
            total = total + 2 * _along(shifts[other] @ own.T, (other, plate), len(shifts))
    return np.asarray(total.ravel())


def _along(values: Numbers, axes: tuple[int, ...], size: int) -> Numbers:
    """Values laid along these axes of an array of `size` axes."""
    shape = [1] * size
    for axis, length in zip(axes, values.shape, strict=True):
        shape[axis] = length
    return values.reshape(shape)


def _drawn(sides: Sequence[Side], *, most_draws: int, seed: int) -> Permuted:
    rng = np.random.default_rng(seed)
    truth = sum((t.mean(axis=0) - c.mean(axis=0) for t, c in sides), start=np.zeros(sides[0][0].shape[1]))
    observed = float((truth**2).sum())

    def reach(size: int) -> npt.NDArray[np.bool_]:
        shift = np.zeros((size, len(truth)))
        for treated, controls in sides:
            rows, k, c = np.concatenate([treated, controls]), len(treated), len(controls)
            chosen = rng.random((size, k + c)).argpartition(k - 1, axis=1)[:, :k]
            shift += _shift(_sums(rows, chosen), rows.sum(axis=0), k, c)
        return np.asarray((shift**2).sum(axis=1) >= observed * (1 - ROUNDING))

    p = p_of_draws(reach, most=most_draws)
    return Permuted(float(np.sqrt(observed)) / len(sides), p, 1 / (1 + most_draws), exact=False)
