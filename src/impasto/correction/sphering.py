"""Sphering: rotate and scale so that the negative controls become white; what varies among controls is nuisance.

    W = V (L + r I)^(-1/2) V^T      with C = V L V^T the covariance of the controls     (`form = "ZCA"`)
    W = P^T-form on correlations    W = (R + r I)^(-1/2) D^(-1/2)                        (`form = "ZCA-cor"`)

Kessy et al. 2018, section 3; used for Cell Painting by Ando et al. 2017 (typical variation normalisation without CORAL) and
pycytominer's Spherize. The regulariser r keeps directions in which the controls hardly vary from being blown up; it is a share
of the mean eigenvalue, so that it means the same for any unit.

With fewer controls than features the eigenvectors come from the controls' Gram matrix: the cost is rows^2 x features, and
directions the controls never show are scaled by 1/sqrt(r).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto.correction.fitted import Array, Corrector, each, finite, of_group, reference, unmet, with_values
from impasto.correction.regulariser import search
from impasto.correction.spectrum import mean_and_sd, spectrum, standardized
from impasto.schema import InputError
from impasto.settings import Settings

Floats = npt.NDArray[np.float32]


class SpheringSettings(Settings):
    """Form, regulariser, reference rows and groups; one rotation for all rows by default."""

    by: Literal["plate", "batch", "source"] | None = None
    on: Literal["controls", "all"] = "controls"
    form: Literal["ZCA", "ZCA-cor"] = "ZCA-cor"
    regulariser: float | Literal["search"] = 0.1
    """A share of the mean eigenvalue, or "search" for the best of 25 (regulariser.py)."""


@dataclass(frozen=True)
class Whitening:
    """x -> ((x - mean) / spread) V diag(scale) V^T + rest / sqrt(r): a low-rank whitening of `directions` (features, k)."""

    mean: Array
    spread: Array
    directions: Array
    scale: Array
    elsewhere: float

    def apply(self, values: Floats, /) -> Floats:
        """Whitened rows (n, features), float64 within a block."""
        width, k = self.directions.shape
        weighted = (self.directions * (self.scale - self.elsewhere)).T
        whole = None if 2 * k < width else self.directions @ weighted + self.elsewhere * np.eye(width)
        out = np.empty(values.shape, dtype=np.float32)
        for rows, z in standardized(values, self.mean, self.spread):
            out[rows] = z @ whole if whole is not None else (z @ self.directions) @ weighted + z * self.elsewhere
        return out


@dataclass(frozen=True)
class Sphering(Corrector):
    """One whitening a group."""

    name: ClassVar[str] = "sphering"
    settings_class: ClassVar[type[Settings]] = SpheringSettings
    settings: SpheringSettings
    whitenings: dict[str, Whitening]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Sphering:
        assert isinstance(settings, SpheringSettings)
        if settings.regulariser == "search":
            found = search(profiles, functools.partial(_fit_with, settings))
            settings = settings.model_copy(update={"regulariser": found})
        elif settings.regulariser <= 0:
            raise InputError(
                f"sphering needs a regulariser above 0, not {settings.regulariser}: without one, noise is blown up without bound"
            )
        return cls(settings, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        chosen, values, found = self.settings, finite(profiles, task=self.name), dict(self.whitenings)
        for group, rows in unmet(found, profiles, chosen.by, task=self.name):
            mine = values[reference(profiles, rows, on=chosen.on, group=group, task=self.name, least=3)]
            found[group] = whitening(mine, correlation=chosen.form == "ZCA-cor", regulariser=float(chosen.regulariser))
        return replace(self, whitenings=found)

    def met(self) -> tuple[str, ...]:
        return tuple(self.whitenings)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite(profiles, task=self.name)
        out = np.empty_like(values)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            out[rows] = of_group(self.whitenings, group, task=self.name, by=self.settings.by).apply(values[rows])
        return with_values(profiles, out)


def _fit_with(settings: SpheringSettings, profiles: anndata.AnnData, regulariser: float) -> Sphering:
    return Sphering.fit(profiles, settings.model_copy(update={"regulariser": regulariser}))


def whitening(reference_rows: Floats, /, *, correlation: bool, regulariser: float) -> Whitening:
    """The whitening of reference rows (n, features)."""
    mean, deviation = mean_and_sd(reference_rows)
    spread = np.where(deviation <= 1e-9, np.inf, deviation if correlation else 1.0)
    if np.isinf(spread).all():
        raise InputError("sphering: the reference rows do not vary at all; they cannot tell nuisance from signal")
    variances, directions = spectrum(reference_rows, mean, spread)
    floor = regulariser * float(variances.sum()) / len(mean)
    return Whitening(mean, spread, directions, 1 / np.sqrt(variances + floor), 1 / np.sqrt(floor))
