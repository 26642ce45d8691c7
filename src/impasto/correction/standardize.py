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

from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, reference, unmet, with_values
from impasto.settings import Settings

_TO_SD = 1.4826
_FLAT = 1e-6


class StandardizeSettings(Settings):
    """Statistic, reference rows and groups."""

    by: Literal["plate", "batch", "source"] | None = "plate"
    on: Literal["controls", "all"] = "controls"
    statistic: Literal["mean", "median"] = "median"


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
        return cls(settings, {}, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite_values(profiles, task=self.name)
        centre, spread = dict(self.centre), dict(self.spread)
        for group, rows in unmet(self.centre, profiles, self.settings.by, task=self.name):
            mine = values[reference(profiles, rows, on=self.settings.on, group=group, task=self.name)]
            centre[group], spread[group] = _centre_and_spread(mine, values[rows], self.settings.statistic)
        return replace(self, centre=centre, spread=spread)

    def met(self) -> tuple[str, ...]:
        return tuple(self.centre)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite_values(profiles, task=self.name)
        out = np.empty_like(values)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            centre = of_group(self.centre, group, task=self.name, by=self.settings.by)
            out[rows] = (values[rows] - centre) / self.spread[group]
        return with_values(profiles, out)


def _centre_and_spread(controls: Array, everything: Array, statistic: str) -> tuple[Array, Array]:
    def spread_of(rows: Array) -> Array:
        if statistic == "mean":
            return np.asarray(rows.std(axis=0, ddof=1)) if len(rows) > 1 else np.zeros(rows.shape[1])
        return np.asarray(_TO_SD * np.median(np.abs(rows - np.median(rows, axis=0)), axis=0))

    centre = np.asarray(controls.mean(axis=0) if statistic == "mean" else np.median(controls, axis=0))
    spread = spread_of(controls)
    flat = spread <= _FLAT * np.maximum(1.0, np.abs(centre))
    if flat.any():
        spread[flat] = spread_of(everything[:, flat])
    spread[spread <= _FLAT * np.maximum(1.0, np.abs(centre))] = np.inf  # constant everywhere: 0 after division
    return centre, spread
