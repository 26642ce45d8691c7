"""Energy distance between the wells of a perturbation and controls (Szekely & Rizzo 2013; Peidli et al. 2024).

    E = 2 mean |x - y| - mean |x - x'| - mean |y - y'|,     x of the K treated wells, y of the C controls, all pairs with themselves

Every choice of treated wells among K + C is a sum over one matrix A of mean distances between wells, so no distance is computed twice:

    a = Σ_{i,j chosen} A_ij,  b = Σ_{i chosen} Σ_j A_ij,  s = Σ_ij A_ij:   E = 2 (b - a)/(K C) - a/K² - (s - 2b + a)/C²

A well of many cells is a cloud: A_ij is the mean distance between cells of the two, and every well has one weight.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def between(first: Numbers, second: Numbers, /) -> Numbers:
    """The mean Euclidean distance of every two clouds.

    Parameters
    ----------
    first, second
        (m, r, d) and (n, r, d): r points of each well.

    Returns
    -------
    Numbers
        (m, n) distances. Of one cloud with itself, the pairs of a point with itself count as zero.

    """
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    flat = second.reshape(-1, second.shape[2])
    # One cloud at a time: all pairs of points of both sides would not stand in memory.
    return np.stack([cdist(cloud, flat).mean(axis=0).reshape(len(second), -1).mean(axis=1) for cloud in first])


def without_groups(distances: Numbers, group: Rows, chosen: Rows, /) -> Numbers:
    """The energy distance of every choice, without each group of wells of the pool.

    Parameters
    ----------
    distances
        (n, n) A, of the K + C wells of a pool.
    group
        (n,) the group that each well leaves with, from 0; -1 for one that stays.
    chosen
        (choices, K) wells that play the treated ones.

    Returns
    -------
    Numbers
        (choices, groups) energy distances; NaN where a chosen well has left.

    """
    k, count = chosen.shape[1], int(group.max(initial=-1)) + 1
    member = (group[:, None] == np.arange(count)).astype(np.float64)
    to_group = distances @ member
    lines = distances.sum(axis=1)[:, None] - to_group
    stays = len(distances) - member.sum(axis=0)
    total = distances.sum() - 2 * to_group.sum(axis=0) + (member * to_group).sum(axis=0)
    inside, across = np.zeros(len(chosen)), np.zeros((len(chosen), count))
    for place in range(k):
        inside += distances[chosen[:, place, None], chosen].sum(axis=1)
        across += lines[chosen[:, place]]
    c = np.where(stays > k, stays - k, np.nan)
    value = 2 * (across - inside[:, None]) / (k * c) - inside[:, None] / k**2 - (total - 2 * across + inside[:, None]) / c**2
    value[(group[chosen][:, :, None] == np.arange(count)).any(axis=1)] = np.nan
    return np.asarray(value)


def of_choices(distances: Numbers, chosen: Rows, /) -> Numbers:
    """The energy distance of every choice of treated wells.

    Parameters
    ----------
    distances
        (n, n) A, of the K + C wells of a pool.
    chosen
        (choices, K) wells that play the treated ones.

    Returns
    -------
    Numbers
        (choices,) energy distances.

    """
    k = chosen.shape[1]
    c = len(distances) - k
    lines = distances.sum(axis=1)
    inside = np.zeros(len(chosen))
    for place in range(k):
        inside += distances[chosen[:, place, None], chosen].sum(axis=1)
    across = lines[chosen].sum(axis=1)
    return np.asarray(2 * (across - inside) / (k * c) - inside / k**2 - (lines.sum() - 2 * across + inside) / c**2)
