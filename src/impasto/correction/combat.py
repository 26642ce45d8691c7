"""ComBat: location and scale of each batch, shrunk towards what its features have in common.

    x_ijg = alpha_g + gamma_ig + delta_ig eps_ijg        batch i, well j, feature g
    z = (x - alpha) / sigma;   gamma* and delta*^2 by empirical Bayes;   x* = sigma (z - gamma*) / delta* + alpha

Johnson, Li & Rabinovic 2007, parametric priors: gamma_i ~ N(gamma_bar_i, tau_i^2), delta_i^2 ~ InverseGamma(lambda_i, theta_i),
solved by fixed-point iteration (their Eqs. 3.1 and 3.2 of the supplement). Without covariates: a design in which a batch holds
other perturbations than the rest would have its biology taken for batch, so such tables are refused unless `confounded = true`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, refuse_confounded, unmet, with_values
from impasto.schema import InputError
from impasto.settings import Settings

Rows = npt.NDArray[np.intp]


class CombatSettings(Settings):
    """Which groups are batches; whether a confounded design is accepted."""

    by: Literal["plate", "batch", "source"] = "plate"
    confounded: bool = False


@dataclass(frozen=True)
class Combat(Corrector):
    """Grand mean and sd of each feature; shrunken shift and scale of each batch."""

    name: ClassVar[str] = "combat"
    settings_class: ClassVar[type[Settings]] = CombatSettings
    settings: CombatSettings
    mean: Array
    sd: Array
    shift: dict[str, Array]
    scale: dict[str, Array]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Combat:
        assert isinstance(settings, CombatSettings)
        values = finite_values(profiles, task=cls.name)
        groups = dict(each(profiles, settings.by, task=cls.name))
        _refuse(profiles, groups, settings)
        weights = np.array([len(rows) for rows in groups.values()]) / len(values)
        means = np.array([values[rows].mean(axis=0) for rows in groups.values()])
        mean = weights @ means
        # Pooled within batches, over n: the maximum-likelihood estimate that the method is defined with.
        sd = np.sqrt(sum(((values[rows] - m) ** 2).sum(axis=0) for rows, m in zip(groups.values(), means, strict=True)) / len(values))
        sd = np.where(sd > 1e-12, sd, np.inf)
        return cls(settings, mean, sd, {}, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite_values(profiles, task=self.name)
        shift, scale = dict(self.shift), dict(self.scale)
        for group, rows in unmet(shift, profiles, self.settings.by, task=self.name):
            _refuse_single(group, rows, by=self.settings.by)
            shift[group], scale[group] = _shrink((values[rows] - self.mean) / self.sd, varies=np.isfinite(self.sd))
        return replace(self, shift=shift, scale=scale)

    def met(self) -> tuple[str, ...]:
        return tuple(self.shift)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite_values(profiles, task=self.name)
        out = np.empty_like(values)
        varies = np.isfinite(self.sd)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            shift = of_group(self.shift, group, task=self.name, by=self.settings.by)
            z = (values[rows] - self.mean) / self.sd
            out[rows] = np.where(varies, np.where(varies, self.sd, 1.0) * (z - shift) / self.scale[group] + self.mean, values[rows])
        return with_values(profiles, out)


def _refuse_single(group: str, rows: Rows, *, by: str) -> None:
    if len(rows) < 2:
        raise InputError(f"combat: {by} {group!r} has one row, which has no spread; drop it, or correct by a larger group")


def _refuse(profiles: anndata.AnnData, groups: dict[str, Rows], settings: CombatSettings) -> None:
    for group, rows in groups.items():
        _refuse_single(group, rows, by=settings.by)
    if len(groups) < 2:
        raise InputError(f"combat: there is one {settings.by} only, so there is nothing to align")
    refuse_confounded(profiles, settings.by, task="combat", confounded=settings.confounded)


def _shrink(z: Array, /, *, varies: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[Array, Array]:
    """Shrunken shift gamma* and scale delta* (features,) of one batch's standardised rows (n, features)."""
    n = len(z)
    gamma, delta = z.mean(axis=0), z.var(axis=0, ddof=1)
    known_gamma, known_delta = gamma[varies], np.maximum(delta[varies], 1e-12)
    centre, tau = known_gamma.mean(), known_gamma.var(ddof=1)
    m, s = known_delta.mean(), known_delta.var(ddof=1)
    shape, rate = (2 * s + m**2) / s, (m * s + m**3) / s
    new_gamma, new_delta = known_gamma.copy(), known_delta.copy()
    squares = ((z[:, varies] - known_gamma) ** 2).sum(axis=0)
    for _ in range(1000):
        before_gamma, before_delta = new_gamma, new_delta
        new_gamma = (tau * n * known_gamma + before_delta * centre) / (tau * n + before_delta)
        new_delta = (0.5 * (squares + n * (known_gamma - new_gamma) ** 2) + rate) / (n / 2 + shape - 1)
        change = max(
            float(np.max(np.abs(new_gamma - before_gamma) / np.maximum(np.abs(before_gamma), 1e-12))),
            float(np.max(np.abs(new_delta - before_delta) / before_delta)),
        )
        if change < 1e-4:
            break
    shift, scale = np.zeros(z.shape[1]), np.ones(z.shape[1])
    shift[varies], scale[varies] = new_gamma, np.sqrt(new_delta)
    return shift, scale
