"""Scores over repeated splits: each split shares most of its training rows with the others, so they are not independent.

V = s² (1/R + n_test / n_train),    t with R - 1 degrees of freedom          (Nadeau & Bengio 2003, section 3)
"""

from __future__ import annotations

from dataclasses import replace

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

    Returns
    -------
    Interval
        The interval; without ends for fewer than two splits.

    """
    values = np.asarray(values, dtype=np.float64)
    repeats = len(values)
    if repeats < 2:
        return interval.none(unit=unit, clusters=repeats, method="corrected t", why=f"{repeats} {unit}; two are needed")
    spread = float(values.var(ddof=1)) * (1 / repeats + tested / trained)
    middle = float(values.mean()) if value is None else value
    return interval.around(middle, spread, df=repeats - 1, unit=unit, clusters=repeats, method="corrected t", share=share)


def of_halves(halves: npt.NDArray[np.floating], /, *, value: float, unit: str, clusters: int, lowest: float = 0.0) -> Interval:
    """The interval of a score that cannot be made again without a few units: from random halves of the units, each scored on its own.

    A half has about the scatter of another sample of the same size, since it is half as large: value ± t(.975, R - 1) sd.

    Parameters
    ----------
    halves
        (R,) the score of each half.
    value
        The score of all.
    unit
        What was sampled.
    clusters
        How many units there are.
    lowest
        The least that the score can be; the most is 1.

    Returns
    -------
    Interval
        The interval; without ends for too few units.

    """
    halves = np.asarray(halves, dtype=np.float64)
    if clusters < interval.FEWEST_UNITS or len(halves) < 2:
        why = f"{clusters} units ({unit}); {interval.FEWEST_UNITS} are needed"
        return interval.none(unit=unit, clusters=clusters, method="halves", why=why)
    span = 1 - lowest
    spread = float(halves.var(ddof=1)) / span**2
    made = interval.around((value - lowest) / span, spread, df=len(halves) - 1, unit=unit, clusters=clusters, method="halves", share=True)
    low, high = (None if end is None else lowest + span * end for end in (made.low, made.high))
    return replace(made, low=low, high=high)


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

    Returns
    -------
    Interval
        The interval; without ends for fewer than two repeats.

    """
    values = np.asarray(values, dtype=np.float64)
    repeats = len(values)
    if repeats < 2:
        return interval.none(unit=unit, clusters=repeats, method="t", why=f"{repeats} {unit}; two are needed")
    return interval.around(
        float(values.mean()), float(values.var(ddof=1)) / repeats, df=repeats - 1, unit=unit, clusters=repeats, method="t", share=share
    )
