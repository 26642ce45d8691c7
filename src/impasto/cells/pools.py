"""How the cells of a well become one row: one function a pooling, on values (features, cells) without missing ones.

`median` is pycytominer's. `clipped` is the mean of cells clipped to the 1st and 99th percentile of the plate's control cells: a part of the
cells that responds moves it, one piece of junk does not. `quartiles` and `median+mad` have several rows of numbers, so other features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
TRIMMED = 0.1
"""Of the cells, at each end."""
CLIPPED = (0.01, 0.99)
_NORMAL = 1.4826
"""MAD to standard deviation, where values are normal."""


@dataclass(frozen=True)
class Pool:
    """One pooling.

    Attributes
    ----------
    statistics
        What its rows are, as the column `statistic` of `var` says it.
    of
        Values (features, cells), at least one cell -> (statistics, features).
    needs_controls
        Whether cells are first clipped to those of the plate's controls.

    """

    statistics: tuple[str, ...]
    of: Callable[[Floats], Floats]
    needs_controls: bool = False


def _median(values: Floats) -> Floats:
    return _middle(values)[None]


def _middle(values: Floats) -> Floats:
    """(features,) medians of values without gaps: one partition, where numpy's looks for gaps and for both middles."""
    half, is_odd = values.shape[1] // 2, values.shape[1] % 2
    parted = np.partition(values, half, axis=1)
    upper = parted[:, half]
    return np.asarray(upper if is_odd else (parted[:, :half].max(axis=1) + upper) / 2)


def _mean(values: Floats) -> Floats:
    return values.mean(axis=1, dtype=np.float64)[None]


def _trimmed(values: Floats) -> Floats:
    cut = int(TRIMMED * values.shape[1])
    return _mean(np.sort(values, axis=1)[:, cut : values.shape[1] - cut])


def _quartiles(values: Floats) -> Floats:
    return np.asarray(np.percentile(values, [25, 50, 75], axis=1))


def _median_and_mad(values: Floats) -> Floats:
    middle = _middle(values)
    return np.stack([middle, _NORMAL * _middle(np.abs(values - middle[:, None]))])


POOLS: Mapping[str, Pool] = {
    "median": Pool(("median",), _median),
    "clipped": Pool(("clipped mean",), _mean, needs_controls=True),
    "mean": Pool(("mean",), _mean),
    "trimmed": Pool(("trimmed mean",), _trimmed),
    "quartiles": Pool(("q25", "q50", "q75"), _quartiles),
    "median+mad": Pool(("median", "mad"), _median_and_mad),
}
"""Name -> pooling."""


def pooled(pool: Pool, values: Floats, /) -> Floats:
    """One row of numbers a statistic, missing values left out feature by feature.

    Parameters
    ----------
    pool
        The pooling.
    values
        (features, cells), at least one cell.

    Returns
    -------
    Floats
        (statistics, features) NaN where a feature has no value at all.

    """
    gaps = np.isnan(values).any(axis=1)
    result = np.full((len(pool.statistics), len(values)), np.nan)
    if not gaps.all():
        result[:, ~gaps] = pool.of(values[~gaps] if gaps.any() else values)
    for row in np.flatnonzero(gaps):
        there = values[row][~np.isnan(values[row])]
        if len(there):
            result[:, row] = pool.of(there[None])[:, 0]
    return result
