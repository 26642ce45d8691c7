"""Sliced 2-Wasserstein distance between the wells of a perturbation and controls (Bonneel et al. 2015).

    W² = mean over directions of ∫_0^1 (F⁻¹(u) - G⁻¹(u))² du,     F of the treated wells, G of the controls, along one direction

Sliced and not Gaussian: the Gaussian form needs a covariance of the treated wells, and three wells have none. Along a direction the
integral is exact for samples of any size. With x sorted and H the integral of G⁻¹ from 0,

    ∫ (F⁻¹ - G⁻¹)² = mean x² + mean y² - 2 Σ_i x_i (H(i/K) - H((i-1)/K)).
"""

from __future__ import annotations

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
    wells, points, count = along.shape
    step = max(1, _BLOCK // (wells * points))
    blocks = [chosen[start : start + step] for start in range(0, len(chosen), step)]
    return np.concatenate([_of_block(along, block, count) for block in blocks]) if blocks else np.empty(0)


def _of_block(along: Numbers, chosen: Rows, count: int) -> Numbers:
    wells, points, _ = along.shape
    k = chosen.shape[1] * points
    c = wells * points - k
    treated = np.zeros((len(chosen), wells), dtype=bool)
    np.put_along_axis(treated, chosen, True, axis=1)
    of_point = np.repeat(np.arange(wells), points)
    ends = np.arange(k + 1) * c / k
    whole = np.minimum(ends.astype(np.intp), c - 1)
    total = np.zeros(len(chosen))
    for direction in range(count):
        values = along[:, :, direction].ravel()
        order = np.argsort(values, kind="stable")
        ordered = np.broadcast_to(values[order], (len(chosen), len(values)))
        is_treated = treated[:, of_point[order]]
        x, y = ordered[is_treated].reshape(-1, k), ordered[~is_treated].reshape(-1, c)
        sums = np.concatenate([np.zeros((len(chosen), 1)), np.cumsum(y, axis=1)], axis=1)
        integral = (sums[:, whole] + (ends - whole) * y[:, whole]) / c
        total += (x**2).mean(axis=1) + (y**2).mean(axis=1) - 2 * (x * np.diff(integral, axis=1)).sum(axis=1)
    return np.sqrt(np.maximum(total / count, 0))
