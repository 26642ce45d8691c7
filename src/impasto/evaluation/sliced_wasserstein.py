"""Sliced 2-Wasserstein distance between the wells of a perturbation and controls (Bonneel et al. 2015).

    W² = mean over directions of ∫_0^1 (F⁻¹(u) - G⁻¹(u))² du,     F of the treated wells, G of the controls, along one direction

Sliced and not Gaussian: the Gaussian form needs a covariance of the treated wells, and three wells have none. Along a direction the
integral is exact for samples of any size. With x sorted and H the integral of G⁻¹ from 0,

    ∫ (F⁻¹ - G⁻¹)² = mean x² + mean y² - 2 Σ_i x_i (H(i/K) - H((i-1)/K)).

All wells of a pool are sorted once: the y of a choice are this order less its K wells, so a choice takes as long as it has treated points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
_BLOCK = 2**22
"""So many values at most are sorted out at once."""


def directions(width: int, count: int, /, *, seed: int) -> Numbers:
    """Directions at random, evenly over the sphere.

    Parameters
    ----------
    width
        Number of features.
    count
        How many.
    seed
        Of the directions.

    Returns
    -------
    Numbers
        (width, count) of unit length; in one dimension the axis itself.

    """
    if width == 1:
        return np.ones((1, 1))
    drawn = np.random.default_rng(seed).normal(size=(width, count))
    return np.asarray(drawn / np.sqrt((drawn**2).sum(axis=0)))


def of_choices(along: Numbers, chosen: Rows, /) -> Numbers:
    """The distance W of every choice of treated wells.

    Parameters
    ----------
    along
        (n, r, L): the r points of each of the K + C wells along L directions.
    chosen
        (choices, K) wells that play the treated ones.

    Returns
    -------
    Numbers
        (choices,) W of each.

    """
    step = max(1, _BLOCK // (chosen.shape[1] * along.shape[1]))
    lines = [_Line.of(along[:, :, direction]) for direction in range(along.shape[2])]
    blocks = [chosen[start : start + step] for start in range(0, len(chosen), step)]
    squares = [sum((line.squared(block) for line in lines), start=np.zeros(len(block))) / len(lines) for block in blocks]
    return np.sqrt(np.maximum(np.concatenate(squares), 0)) if blocks else np.empty(0)


def without_groups(along: Numbers, group: Rows, chosen: Rows, /) -> Numbers:
    """The distance W of every choice, without each group of wells of the pool.

    Parameters
    ----------
    along
        (n, r, L): the r points of each of the K + C wells along L directions.
    group
        (n,) the group that each well leaves with, from 0; -1 for one that stays.
    chosen
        (choices, K) wells that play the treated ones.

    Returns
    -------
    Numbers
        (choices, groups) W; NaN where a chosen well has left, or no control stays.

    """
    value = np.full((len(chosen), int(group.max(initial=-1)) + 1), np.nan)
    for number in range(value.shape[1]):
        stays = group != number
        usable = stays[chosen].all(axis=1)
        if stays.sum() > chosen.shape[1]:
            place = np.cumsum(stays) - 1
            value[usable, number] = of_choices(along[stays], place[chosen[usable]])
    return value


@dataclass(frozen=True)
class _Line:
    """The points of a pool along one direction, in order.

    Attributes
    ----------
    values
        (N,) sorted.
    sums
        (N + 1,) of the values before each.
    rank
        (n, r) the place of each point of each well among the values.

    """

    values: Numbers
    sums: Numbers
    rank: Rows

    @classmethod
    def of(cls, points: Numbers) -> _Line:
        order = np.argsort(points.ravel(), kind="stable")
        rank = np.empty(points.size, dtype=np.intp)
        rank[order] = np.arange(points.size)
        values = points.ravel()[order]
        return cls(values, np.concatenate([[0.0], np.cumsum(values)]), rank.reshape(points.shape))

    def squared(self, chosen: Rows) -> Numbers:
        """W² of every choice; only the points of chosen wells are touched, however many controls there are."""
        at = np.sort(self.rank[chosen].reshape(len(chosen), -1), axis=1)
        choices, k = at.shape
        c = len(self.values) - k
        x = self.values[at]
        before = np.concatenate([np.zeros((choices, 1)), np.cumsum(x, axis=1)], axis=1)
        ends = np.arange(k + 1) * c / k
        whole = np.minimum(ends.astype(np.intp), c - 1)
        # x_i stands behind at_i - i of y: it comes before y_m where that is m or less.
        first = np.searchsorted(whole, np.arange(c + 1))[at - np.arange(k)]
        line = np.arange(choices)[:, None] * (k + 2)
        passed = np.bincount((line + first).ravel(), minlength=choices * (k + 2)).reshape(choices, -1).cumsum(axis=1)[:, : k + 1]
        place = whole + passed
        integral = (self.sums[place] - np.take_along_axis(before, passed, axis=1) + (ends - whole) * self.values[place]) / c
        squares = (x**2).sum(axis=1)
        others = float((self.values**2).sum()) - squares
        return np.asarray(squares / k + others / c - 2 * (x * np.diff(integral, axis=1)).sum(axis=1))
