"""Typical variation normalisation: make the negative controls of all batches look alike.

    1. centre and scale by the controls           z = (x - mean) / sd
    2. principal components of the controls        y = z V
    3. centre and scale again by the controls      white controls
    4. per batch, CORAL: y <- (y - m_b) (C_b + e I)^(-1/2) (C + e I)^(1/2),   e = 0.5

with m_b, C_b mean and covariance of the batch's controls and C that of all controls. `coral = "efaar"` leaves m_b and the last
factor out, as EFAAR's own code does: batches keep their means, number for number. `coral = "none"` ends with step 3. With `standardize` by
batch after it, that is the PCA with centre and scale on controls of EFAAR's notebook of RxRx3-core. Ando et al. 2017; Sun et al. 2016
(CORAL); Celik et al. 2024 (the order of the steps), which Lu et al. (CellCLIP, section 4.2 and appendix C) and CWA-MSN follow.

Departures: with fewer controls than features the components are those the controls show (at most n - 1). A batch without
controls is refused rather than passed through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import pandas as pd
from pydantic import Field

from impasto.correction import references
from impasto.correction.base import Array, Floats, new_features
from impasto.correction.per_group import By, On, PerGroup
from impasto.correction.spectrum import spectrum, standardized
from impasto.scale.sums import Part
from impasto.schema import InputError
from impasto.settings import Settings


class TvnSettings(Settings):
    """Groups that are aligned, the ridge of CORAL, and how many components are kept."""

    method: Literal["tvn"] = "tvn"
    by: By = Field("plate", description="What is aligned by CORAL: plate, batch or source.")
    on: On = Field("controls", description="What becomes white: the negative controls, or all wells.")
    ridge: float = Field(0.5, gt=0, description="Ridge e of CORAL, added to each variance of the white controls.")
    components: int | None = Field(None, ge=1, description="How many components, the largest; all that the controls show, where left out.")
    coral: Literal["aligned", "efaar", "none"] = Field(
        "aligned",
        description="aligned: means and covariances of groups. efaar: as EFAAR's code, which leaves groups their means. none: no CORAL.",
    )


@dataclass(frozen=True)
class ShiftAndTurn:
    """The affine map of a batch: y -> (y - shift) @ turn.

    Attributes
    ----------
    shift
        (k,).
    turn
        (k, k).

    """

    shift: Array
    turn: Array


@dataclass(frozen=True, kw_only=True)
class Tvn(PerGroup[TvnSettings, ShiftAndTurn]):
    """TVN after its fit.

    Attributes
    ----------
    mean
        (features,) of the controls.
    spread
        (features,) of the controls.
    directions
        (features, k) their components.
    colour
        (k, k) the covariance of all white controls, to the power 1/2.

    """

    name: ClassVar[str] = "tvn"
    settings_class: ClassVar[type[Settings]] = TvnSettings
    least: ClassVar[Mapping[On, int]] = {"controls": 2, "all": 2}
    settings: TvnSettings
    learned: dict[str, ShiftAndTurn]
    mean: Array
    spread: Array
    directions: Array
    colour: Array

    @classmethod
    def passes(cls, _: TvnSettings, /) -> int:
        return 1

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: TvnSettings, _: Part | None, /) -> Part:
        return references.summarise(cls, plates, settings, cross=True)

    @classmethod
    def merged(cls, parts: Sequence[Part], settings: TvnSettings, _: Part | None, /) -> Part:
        return references.merged(cls, parts, settings)

    @classmethod
    def fitted_from(cls, whole: Part, settings: TvnSettings, /) -> Self:
        controls = references.moments(whole)
        deviation = references.deviation(controls)
        spread = np.where(deviation > 1e-9, deviation, np.inf)
        if np.isinf(spread).all():
            raise InputError("tvn: the reference rows do not vary at all; they cannot tell nuisance from signal")
        variances, directions = references.principal(controls, spread, least=1e-8)
        aligned = settings.coral != "efaar"
        # Largest variance first, over the sd along each direction (over n in EFAAR's), so that the controls become white.
        sd = np.sqrt(variances if aligned else variances * (1 - 1 / controls.count))
        directions = np.ascontiguousarray((directions / sd)[:, ::-1][:, : settings.components])
        # The covariance of the white controls is one.
        colour = np.eye(directions.shape[1]) * (np.sqrt(1 + settings.ridge) if aligned else 1.0)
        return cls(settings=settings, keys=(), learned={}, mean=controls.mean, spread=spread, directions=directions, colour=colour)

    def learn(self, _: Floats, reference: Floats, /) -> ShiftAndTurn:
        if self.settings.coral == "none":
            return ShiftAndTurn(np.zeros(len(self.colour)), np.eye(len(self.colour)))
        white = _turned(reference, self.mean, self.spread, self.directions)
        bleach = _power(white, ridge=self.settings.ridge, exponent=-0.5)
        if self.settings.coral == "efaar":
            return ShiftAndTurn(np.zeros(len(bleach)), bleach)
        return ShiftAndTurn(white.mean(axis=0), bleach @ self.colour)

    def apply(self, values: Floats, learned: ShiftAndTurn, /) -> Array:
        return np.asarray((_turned(values, self.mean, self.spread, self.directions) - learned.shift) @ learned.turn)

    def features(self, _: pd.DataFrame, /) -> pd.DataFrame:
        return new_features(self.name, self.directions.shape[1])


def _turned(rows: Floats, mean: Array, spread: Array, directions: Array) -> Array:
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
