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

from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, reference, unmet, with_values
from impasto.correction.regulariser import search
from impasto.schema import InputError
from impasto.settings import Settings


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

    def apply(self, values: Array) -> Array:
        """Whitened rows (n, features)."""
        centred = (values - self.mean) / self.spread
        along = centred @ self.directions
        return (along * (self.scale - self.elsewhere)) @ self.directions.T + centred * self.elsewhere


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
        chosen, values, found = self.settings, finite_values(profiles, task=self.name), dict(self.whitenings)
        for group, rows in unmet(found, profiles, chosen.by, task=self.name):
            mine = values[reference(profiles, rows, on=chosen.on, group=group, task=self.name, least=3)]
            found[group] = whitening(mine, correlation=chosen.form == "ZCA-cor", regulariser=float(chosen.regulariser))
        return replace(self, whitenings=found)

    def met(self) -> tuple[str, ...]:
        return tuple(self.whitenings)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite_values(profiles, task=self.name)
        out = np.empty_like(values)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            out[rows] = of_group(self.whitenings, group, task=self.name, by=self.settings.by).apply(values[rows])
        return with_values(profiles, out)


def _fit_with(settings: SpheringSettings, profiles: anndata.AnnData, regulariser: float) -> Sphering:
    return Sphering.fit(profiles, settings.model_copy(update={"regulariser": regulariser}))


def whitening(reference_rows: Array, /, *, correlation: bool, regulariser: float) -> Whitening:
    """The whitening of reference rows (n, features)."""
    mean = reference_rows.mean(axis=0)
    centred = reference_rows - mean
    deviation = centred.std(axis=0, ddof=1)
    constant = deviation <= 1e-9
    spread = np.where(constant, np.inf, deviation if correlation else 1.0)
    centred = centred / spread
    n, width = centred.shape
    if n <= width:
        gram, left = np.linalg.eigh(centred @ centred.T / (n - 1))
        keep = gram > 1e-10 * max(gram.max(), 1e-300)
        eigenvalues = gram[keep]
        directions = centred.T @ left[:, keep] / np.sqrt(eigenvalues * (n - 1))
    else:
        eigenvalues, directions = np.linalg.eigh(centred.T @ centred / (n - 1))
        eigenvalues = np.maximum(eigenvalues, 0.0)
    floor = regulariser * eigenvalues.sum() / width
    if floor <= 0:
        raise InputError("sphering: the reference rows do not vary at all; they cannot tell nuisance from signal")
    return Whitening(mean, spread, directions, 1 / np.sqrt(eigenvalues + floor), 1 / np.sqrt(floor))
