"""Standardize: each feature minus the centre of its plate's controls, over their spread.

    z = (x - mean) / sd          `statistic = "mean"`
    z = (x - median) / (1.4826 MAD)   `statistic = "median"`: robust to the few controls that went wrong

The field's first step (Caicedo et al. 2017; pycytominer's standardize and mad_robustize). A feature that does not vary among the
controls of a plate would be divided by nearly nothing: its spread is taken from all wells of the plate instead, and where it is
constant there too, it becomes 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto import profiles as tables
from impasto.correction.fitted import Array, Corrector, each, finite, of_group, reference, refuse_confounded, unmet, with_values
from impasto.correction.spectrum import mean_and_sd
from impasto.settings import Settings

Floats = npt.NDArray[np.float32]
_TO_SD = 1.4826
_FLAT = 1e-6


class StandardizeSettings(Settings):
    """Statistic, reference rows and groups."""

    by: Literal["plate", "batch", "source"] | None = "plate"
    on: Literal["controls", "all"] = "controls"
    statistic: Literal["mean", "median"] = "median"
    confounded: bool = False
    """With `on = "all"`: whether a group that shares no perturbation with the others is accepted, though its mean is its biology too."""


@dataclass(frozen=True)
class Standardize(Corrector):
    """Centre and spread of each group."""

    name: ClassVar[str] = "standardize"
    settings_class: ClassVar[type[Settings]] = StandardizeSettings
    settings: StandardizeSettings
    centre: dict[str, Array]
    spread: dict[str, Array]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Standardize:
        assert isinstance(settings, StandardizeSettings)
        if settings.on == "all" and settings.by is not None:
            tables.require(profiles, settings.by, task=cls.name)
            refuse_confounded(profiles, settings.by, task=cls.name, confounded=settings.confounded)
        return cls(settings, {}, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite(profiles, task=self.name)
        centre, spread = dict(self.centre), dict(self.spread)
        for group, rows in unmet(self.centre, profiles, self.settings.by, task=self.name):
            mine = values[reference(profiles, rows, on=self.settings.on, group=group, task=self.name)]
            centre[group], spread[group] = _centre_and_spread(mine, values[rows], self.settings.statistic)
        return replace(self, centre=centre, spread=spread)

    def met(self) -> tuple[str, ...]:
        return tuple(self.centre)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite(profiles, task=self.name)
        out = np.empty(values.shape, dtype=np.float32)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            centre = of_group(self.centre, group, task=self.name, by=self.settings.by)
            out[rows] = (values[rows] - centre) / self.spread[group]
        return with_values(profiles, out)


def _centre_and_spread(controls: Floats, everything: Floats, statistic: str) -> tuple[Array, Array]:
    centre, spread = _location_and_scale(controls, statistic)
    flat = spread <= _FLAT * np.maximum(1.0, np.abs(centre))
    if flat.any():
        spread[flat] = _location_and_scale(everything[:, flat], statistic)[1]
    spread[spread <= _FLAT * np.maximum(1.0, np.abs(centre))] = np.inf  # constant everywhere: 0 after division
    return centre, spread


def _location_and_scale(rows: Floats, statistic: str) -> tuple[Array, Array]:
    """Centre and spread (features,) of rows (n, features), float64."""
    if statistic == "mean":
        return mean_and_sd(rows) if len(rows) > 1 else (rows.mean(axis=0, dtype=np.float64), np.zeros(rows.shape[1]))
    # A feature a line: sorting short lines that lie together is the fastest way to a middle.
    features = rows.T.astype(np.float64)
    centre = _middle(features)
    return centre, _TO_SD * _middle(np.abs(rows.T - centre[:, None]))


def _middle(lines: Array) -> Array:
    """The median of each line (m, n), which is sorted in place."""
    lines.sort(axis=1)
    n = lines.shape[1]
    return np.asarray((lines[:, (n - 1) // 2] + lines[:, n // 2]) / 2)
