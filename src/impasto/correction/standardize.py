"""Standardize: each feature minus the centre of its plate's controls, over their spread.

    z = (x - mean) / sd          `statistic = "mean"`
    z = (x - median) / (1.4826 MAD)   `statistic = "median"`: robust to the few controls that went wrong

The field's first step (Caicedo et al. 2017; pycytominer's standardize and mad_robustize). A feature that does not vary among the
controls of a plate would be divided by nearly nothing. Its spread is taken from all wells of the plate instead. Where it is constant there
too, it becomes 0.

Medians are taken here and not by `numpy.median` or `scipy.stats.median_abs_deviation`: a feature a line, sorted where it lies, is several
times as fast on the short columns of a plate, to the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from impasto.correction.base import Array, Floats
from impasto.correction.per_group import ByOrAll, On, PerGroup
from impasto.correction.spectrum import mean_and_sd
from impasto.settings import Settings

Statistic = Literal["mean", "median"]
_TO_SD = 1.4826
_FLAT = 1e-6


class StandardizeSettings(Settings):
    """Statistic, reference rows and groups."""

    method: Literal["standardize"] = "standardize"
    by: ByOrAll | None = Field("plate", description="What is standardised on its own: plate, batch, source, or all rows as one.")
    on: On = Field("controls", description="Where centre and spread are taken: on the negative controls, or on all wells.")
    statistic: Statistic = Field("median", description="median and MAD, or mean and sd.")
    confounded: bool = Field(
        False, description="With on = all: accept a group that shares no perturbation with the others, though its mean is its biology too."
    )


@dataclass(frozen=True)
class CentreAndSpread:
    """What a group learned.

    Attributes
    ----------
    centre
        (features,).
    spread
        (features,); an infinite one makes a feature 0.

    """

    centre: Array
    spread: Array


@dataclass(frozen=True, kw_only=True)
class Standardize(PerGroup[StandardizeSettings, CentreAndSpread]):
    """Centre and spread of each group."""

    name: ClassVar[str] = "standardize"
    feature_by_feature: ClassVar[bool] = True
    by_columns: ClassVar[bool] = True
    settings_class: ClassVar[type[Settings]] = StandardizeSettings
    settings: StandardizeSettings
    learned: dict[str, CentreAndSpread]

    def learn(self, values: Floats, reference: Floats, /) -> CentreAndSpread:
        centre, spread = location_and_scale(reference, self.settings.statistic)
        flat = _is_flat(centre, spread)
        if flat.any():
            spread[flat] = location_and_scale(values[:, flat], self.settings.statistic)[1]
        spread[_is_flat(centre, spread)] = np.inf
        return CentreAndSpread(centre, spread)

    def apply(self, values: Floats, learned: CentreAndSpread, /) -> Array:
        return np.asarray((values - learned.centre) / learned.spread)


def _is_flat(centre: Array, spread: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(spread <= _FLAT * np.maximum(1.0, np.abs(centre)))


def location_and_scale(rows: Floats, statistic: Statistic, /) -> tuple[Array, Array]:
    """Centre and spread of each feature.

    Parameters
    ----------
    rows
        (n, features).
    statistic
        `mean` (with the sd) or `median` (with 1.4826 MAD).

    Returns
    -------
    centre : Array
        (features,) of float64. The centre.
    spread : Array
        (features,) of float64. The spread, in the unit of the feature; 0 for a single row.

    """
    if statistic == "mean":
        return mean_and_sd(rows) if len(rows) > 1 else (rows.mean(axis=0, dtype=np.float64), np.zeros(rows.shape[1]))
    features = rows.T.astype(np.float64)
    centre = _middle(features)
    return centre, _TO_SD * _middle(np.abs(rows.T - centre[:, None]))


def _middle(lines: Array) -> Array:
    """The median of each line (m, n), which is sorted in place."""
    lines.sort(axis=1)
    n = lines.shape[1]
    return np.asarray((lines[:, (n - 1) // 2] + lines[:, n // 2]) / 2)
