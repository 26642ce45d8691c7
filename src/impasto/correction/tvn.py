"""Typical variation normalisation: make the negative controls of all batches look alike.

    1. centre and scale by the controls           z = (x - mean) / sd
    2. principal components of the controls        y = z V
    3. centre and scale again by the controls      white controls
    4. per batch, CORAL: y <- (y - m_b) (C_b + e I)^(-1/2) (C + e I)^(1/2),   e = 0.5

with m_b, C_b mean and covariance of the batch's controls and C that of all controls. `coral = "efaar"` leaves m_b and the last
factor out, as EFAAR's own code does: batches keep their means, number for number. Ando et al. 2017; Sun et al. 2016 (CORAL);
Celik et al. 2024 (the order of the steps), which Lu et al. (CellCLIP, section 4.2 and appendix C) and CWA-MSN follow.

Departures: with fewer controls than features the components are those the controls show (at most n - 1). A batch without
controls is refused rather than passed through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto import profiles as tables
from impasto.correction.fitted import Array, Corrector, each, finite, of_group, reference, unmet
from impasto.correction.spectrum import mean_and_sd, spectrum, standardized
from impasto.feature_names import EMBEDDING_GROUP
from impasto.settings import Settings


class TvnSettings(Settings):
    """Groups that are aligned, the ridge of CORAL, and how many components are kept (all, by default)."""

    by: Literal["plate", "batch", "source"] = "plate"
    on: Literal["controls", "all"] = "controls"
    ridge: float = 0.5
    components: int | None = None
    coral: Literal["aligned", "efaar"] = "aligned"


@dataclass(frozen=True)
class Tvn(Corrector):
    """Scale, components, and one affine map a batch."""

    name: ClassVar[str] = "tvn"
    settings_class: ClassVar[type[Settings]] = TvnSettings
    settings: TvnSettings
    mean: Array
    spread: Array
    directions: Array
    colour: Array
    shift: dict[str, Array]
    turn: dict[str, Array]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Tvn:
        assert isinstance(settings, TvnSettings)
        values = finite(profiles, task=cls.name)
        groups = {
            group: reference(profiles, rows, on=settings.on, group=group, task=cls.name)
            for group, rows in each(profiles, settings.by, task=cls.name)
        }
        controls = values[np.concatenate(list(groups.values()))]
        mean, deviation = mean_and_sd(controls)
        spread = np.where(deviation > 1e-9, deviation, np.inf)
        variances, directions = spectrum(controls, mean, spread, least=1e-8)
        aligned = settings.coral == "aligned"
        # Largest variance first, over the sd along each direction (over n in EFAAR's), so that the controls become white.
        sd = np.sqrt(variances if aligned else variances * (1 - 1 / len(controls)))
        directions = np.ascontiguousarray((directions / sd)[:, ::-1][:, : settings.components])
        white = _turned(controls, mean, spread, directions)
        colour = _power(white, ridge=settings.ridge, exponent=0.5) if aligned else np.eye(directions.shape[1])
        return cls(settings, mean, spread, directions, colour, {}, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite(profiles, task=self.name)
        shift, turn = dict(self.shift), dict(self.turn)
        for group, rows in unmet(shift, profiles, self.settings.by, task=self.name):
            mine = values[reference(profiles, rows, on=self.settings.on, group=group, task=self.name)]
            white = _turned(mine, self.mean, self.spread, self.directions)
            bleach = _power(white, ridge=self.settings.ridge, exponent=-0.5)
            aligned = self.settings.coral == "aligned"
            shift[group], turn[group] = (white.mean(axis=0), bleach @ self.colour) if aligned else (np.zeros(len(bleach)), bleach)
        return replace(self, shift=shift, turn=turn)

    def met(self) -> tuple[str, ...]:
        return tuple(self.shift)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite(profiles, task=self.name)
        out = np.empty((len(values), self.directions.shape[1]), dtype=np.float32)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            shift = of_group(self.shift, group, task=self.name, by=self.settings.by)
            out[rows] = (_turned(values[rows], self.mean, self.spread, self.directions) - shift) @ self.turn[group]
        names = [f"tvn_{number:04d}" for number in range(out.shape[1])]
        var = tables.describe_features(names).assign(group=EMBEDDING_GROUP)
        return anndata.AnnData(X=out, obs=profiles.obs.copy(), var=var, uns=dict(profiles.uns))


def _turned(rows: npt.NDArray[np.float32], mean: Array, spread: Array, directions: Array) -> Array:
    """Rows in the coordinates in which all controls are white (n, k)."""
    return np.concatenate([z @ directions for _, z in standardized(rows, mean, spread)])


def _power(rows: Array, *, ridge: float, exponent: float) -> Array:
    """(C + ridge I)^exponent, C the covariance of rows (n, k): the directions rows do not show are scaled by the ridge alone."""
    width = rows.shape[1]
    variances, directions = spectrum(rows, rows.mean(axis=0), np.ones(width))
    if len(variances) == width:
        return np.asarray((directions * (variances + ridge) ** exponent) @ directions.T)
    elsewhere = ridge**exponent
    return np.asarray((directions * ((variances + ridge) ** exponent - elsewhere)) @ directions.T + elsewhere * np.eye(width))
