"""The interval of one parameter of a curve from its profile: the values at which the fit is not much worse than the best.

    {θ: RSS(θ) <= RSS_min (1 + F(.95; 1, df)/df)}

RSS(θ) is the smallest sum of squares with θ held and every other parameter free (Bates & Watts 1988, chapter 6). The ends lie between
points of the grid, by straight lines. An end that the grid does not reach is open.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from impasto.statistics.interval import LEVEL

Numbers = npt.NDArray[np.float64]


def limit(least: float, df: float, /) -> float:
    """The largest sum of squares inside the interval.

    Parameters
    ----------
    least
        The least sum of squares.
    df
        Degrees of freedom of its residuals.

    Returns
    -------
    float
        The limit.

    """
    return least * (1 + float(stats.f.ppf(LEVEL, 1, df)) / df)


def by_f(grid: Numbers, rss: Numbers, /, *, df: float) -> tuple[float, float]:
    """The 95 % profile interval of a parameter.

    Parameters
    ----------
    grid
        (m,) ascending values of the parameter.
    rss
        (m,) the smallest sum of squares at each value.
    df
        Degrees of freedom of the residuals of the best fit.

    Returns
    -------
    tuple[float, float]
        Both ends, in the units of `grid`; minus or plus infinity for an end that lies beyond it.

    """
    most = limit(float(rss.min()), df)
    inside = np.flatnonzero(rss <= most)
    first, last = int(inside[0]), int(inside[-1])
    low = -np.inf if first == 0 else _crossing(grid, rss, first, first - 1, most)
    high = np.inf if last == len(grid) - 1 else _crossing(grid, rss, last, last + 1, most)
    return low, high


def _crossing(grid: Numbers, rss: Numbers, inside: int, outside: int, most: float) -> float:
    """Where the line from a point inside to its neighbour outside reaches `most`."""
    share = (most - rss[inside]) / (rss[outside] - rss[inside])
    return float(grid[inside] + share * (grid[outside] - grid[inside]))
