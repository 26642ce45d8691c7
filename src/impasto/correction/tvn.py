"""Typical variation normalisation: make the negative controls of all batches look alike.

    1. centre and scale by the controls           z = (x - mean) / sd
    2. principal components of the controls        y = z V
    3. centre and scale again by the controls      white controls
    4. per batch, CORAL: y <- (y - m_b) (C_b + e I)^(-1/2) (C + e I)^(1/2),   e = 0.5

with m_b, C_b mean and covariance of the batch's controls and C that of all controls. Ando et al. 2017; Sun et al. 2016 (CORAL);
Celik et al. 2024 (the order of the steps), which Lu et al. (CellCLIP, section 4.2 and appendix C) and CWA-MSN follow.

Departures: with fewer controls than features the components are those the controls show (at most n - 1). A batch without
controls is refused rather than passed through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np

from impasto import profiles as tables
from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, reference, unmet
from impasto.feature_names import EMBEDDING_GROUP
from impasto.settings import Settings


class TvnSettings(Settings):
    """Groups that are aligned, the ridge of CORAL, and how many components are kept (all, by default)."""

    by: Literal["plate", "batch", "source"] = "plate"
    on: Literal["controls", "all"] = "controls"
    ridge: float = 0.5
    components: int | None = None


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
        values = finite_values(profiles, task=cls.name)
        groups = {
            group: reference(profiles, rows, on=settings.on, group=group, task=cls.name)
            for group, rows in each(profiles, settings.by, task=cls.name)
        }
        controls = values[np.concatenate(list(groups.values()))]
        mean, deviation = controls.mean(axis=0), controls.std(axis=0, ddof=1)
        spread = np.where(deviation > 1e-9, deviation, np.inf)
        directions = _components((controls - mean) / spread, settings.components)
        white = ((controls - mean) / spread) @ directions
        colour = _power(np.cov(white, rowvar=False) + settings.ridge * np.eye(white.shape[1]), 0.5)
        return cls(settings, mean, spread, directions, colour, {}, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite_values(profiles, task=self.name)
        shift, turn = dict(self.shift), dict(self.turn)
        for group, rows in unmet(shift, profiles, self.settings.by, task=self.name):
            mine = reference(profiles, rows, on=self.settings.on, group=group, task=self.name)
            white = ((values[mine] - self.mean) / self.spread) @ self.directions
            shift[group] = white.mean(axis=0)
            turn[group] = _power(np.cov(white, rowvar=False) + self.settings.ridge * np.eye(white.shape[1]), -0.5) @ self.colour
        return replace(self, shift=shift, turn=turn)

    def met(self) -> tuple[str, ...]:
        return tuple(self.shift)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        white = ((finite_values(profiles, task=self.name) - self.mean) / self.spread) @ self.directions
        out = np.empty_like(white)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            out[rows] = (white[rows] - of_group(self.shift, group, task=self.name, by=self.settings.by)) @ self.turn[group]
        names = [f"tvn_{number:04d}" for number in range(out.shape[1])]
        var = tables.describe_features(names).assign(group=EMBEDDING_GROUP)
        return anndata.AnnData(X=out.astype(np.float32), obs=profiles.obs.copy(), var=var, uns=dict(profiles.uns))


def _components(centred: Array, wanted: int | None) -> Array:
    """Principal directions (features, k) of centred rows, divided by the sd along them, so that the rows become white."""
    n, width = centred.shape
    if n <= width:
        eigenvalues, left = np.linalg.eigh(centred @ centred.T / (n - 1))
        keep = eigenvalues > 1e-8 * eigenvalues.max()
        directions = centred.T @ left[:, keep] / np.sqrt(eigenvalues[keep] * (n - 1))
    else:
        eigenvalues, directions = np.linalg.eigh(centred.T @ centred / (n - 1))
        keep = eigenvalues > 1e-8 * eigenvalues.max()
        directions = directions[:, keep]
    scaled = directions / np.sqrt(eigenvalues[keep])
    return scaled[:, ::-1][:, :wanted]  # largest variance first


def _power(matrix: Array, exponent: float) -> Array:
    """A power of a symmetric positive matrix."""
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * eigenvalues**exponent) @ vectors.T)
