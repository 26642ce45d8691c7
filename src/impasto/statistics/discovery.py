"""False discovery rate: of the perturbations that are called, how many are called wrongly.

q_i = min over p_j >= p_i of M p_j / rank(p_j)      (Benjamini & Hochberg 1995; scipy's)

A family is the set of p-values that are corrected together. A run is one family unless the user asks for one a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control

Numbers = npt.NDArray[np.float64]


def corrected(p_values: Numbers, /) -> Numbers:
    """P-values corrected for the false discovery rate, in one family.

    Parameters
    ----------
    p_values
        (n,) with NaN where there is none.

    Returns
    -------
    Numbers
        (n,) NaN stays NaN and is not counted.

    """
    adjusted = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    adjusted[known] = false_discovery_control(p_values[known]) if known.any() else []
    return adjusted


def corrected_within(p_values: Numbers, families: Sequence[str] | npt.NDArray[np.str_], /) -> Numbers:
    """P-values corrected family by family.

    Parameters
    ----------
    p_values
        (n,) with NaN where there is none.
    families
        (n,) the family of each.

    Returns
    -------
    Numbers
        (n,) NaN stays NaN.

    """
    names = np.asarray(families, dtype=str)
    adjusted = np.full(len(p_values), np.nan)
    for name in np.unique(names):
        adjusted[names == name] = corrected(p_values[names == name])
    return adjusted


def largest_called(p_values: Numbers, /, *, rate: float) -> float:
    """The largest p-value that one more member of the family could have and be called.

    Parameters
    ----------
    p_values
        (n,) of one family, with NaN where there is none.
    rate
        The false discovery rate.

    Returns
    -------
    float
        rate (R + 1) / M, where R of M are called now. 0 without any p-value.

    """
    known = int((~np.isnan(p_values)).sum())
    called = int((corrected(p_values) < rate).sum())
    return rate * min(called + 1, known) / known if known else 0.0
