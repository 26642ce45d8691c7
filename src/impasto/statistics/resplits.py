"""Scores over repeated splits: each split shares most of its training rows with the others, so they are not independent.

V = s² (1/R + n_test / n_train),    t with R - 1 degrees of freedom          (Nadeau & Bengio 2003, section 3)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from impasto.statistics import interval
from impasto.statistics.interval import Interval


def of_resplits(
    values: npt.NDArray[np.floating],
    /,
    *,
    tested: int,
    trained: int,
    unit: str = "split",
    share: bool = False,
    value: float | None = None,
) -> Interval:
    """The interval of the mean score over R random splits of the same rows.

    Parameters
    ----------
    values
        (R,) the score of each split.
    tested, trained
        How many units each split tests and trains on.
    unit
        What was sampled again and again.
    share
        Whether the score lies in 0 to 1.
    value
        What the interval is put around; the mean by default.

    """
    values = np.asarray(values, dtype=np.float64)
    repeats = len(values)
    if repeats < 2:
        return interval.none(unit=unit, clusters=repeats, method="corrected t", why=f"{repeats} {unit}; two are needed")
    spread = float(values.var(ddof=1)) * (1 / repeats + tested / trained)
    middle = float(values.mean()) if value is None else value
    return interval.around(middle, spread, df=repeats - 1, unit=unit, clusters=repeats, method="corrected t", share=share)


def of_repeats(values: npt.NDArray[np.floating], /, *, unit: str, share: bool = False) -> Interval:
    """The interval of the mean over independent repeats: seeds of one split ("other weights, this split"), plate sets, data sets.

    Parameters
    ----------
    values
        (R,) one score a repeat.
    unit
        What was repeated.
    share
        Whether the score lies in 0 to 1.

    """
    values = np.asarray(values, dtype=np.float64)
    repeats = len(values)
    if repeats < 2:
        return interval.none(unit=unit, clusters=repeats, method="t", why=f"{repeats} {unit}; two are needed")
    return interval.around(
        float(values.mean()), float(values.var(ddof=1)) / repeats, df=repeats - 1, unit=unit, clusters=repeats, method="t", share=share
    )
