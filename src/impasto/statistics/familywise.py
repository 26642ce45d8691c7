"""Several comparisons listed beforehand: p-values such that a false alarm among all of them stays at the stated level.

Holm 1979: sort p_(1) <= ... <= p_(m); the i-th becomes max over j <= i of (m - j + 1) p_(j), at most 1. It needs no independence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from impasto.statistics import compare
from impasto.statistics.interval import Interval

Numbers = npt.NDArray[np.float64]


def holm(p_values: Numbers, /) -> Numbers:
    """P-values corrected for the chance of any false alarm among them.

    Parameters
    ----------
    p_values
        (m,) with NaN where there is none.

    Returns
    -------
    Numbers
        (m,) NaN stays NaN and is not counted.

    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps * p_values[order]))
    return adjusted


def p_of_difference(difference: float, of: Interval, /) -> float:
    """The two-sided p-value of a difference from its t interval.

    Parameters
    ----------
    difference
        The paired difference.
    of
        Its interval, symmetric.

    Returns
    -------
    float
        NaN where the interval has no ends; 1 for no difference.

    """
    if of.low is None or of.high is None:
        return float("nan")
    if difference == 0:
        return 1.0
    error = compare.standard_error(of)
    return float(2 * stats.t.sf(abs(difference) / error, of.df)) if error else 0.0
