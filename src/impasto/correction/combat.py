"""ComBat: location and scale of each batch, shrunk towards what its features have in common.

    x_ijg = alpha_g + gamma_ig + delta_ig eps_ijg        batch i, well j, feature g
    z = (x - alpha) / sigma;   gamma* and delta*^2 by empirical Bayes;   x* = sigma (z - gamma*) / delta* + alpha

Johnson, Li & Rabinovic 2007, parametric priors: gamma_i ~ N(gamma_bar_i, tau_i^2), delta_i^2 ~ InverseGamma(lambda_i, theta_i),
solved by fixed-point iteration (their Eqs. 3.1 and 3.2 of the supplement). Without covariates: a design in which a batch holds
other perturbations than the rest would have its biology taken for batch, so such tables are refused unless `confounded = true`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt
from pydantic import Field

from impasto.correction import references
from impasto.correction.base import Array, Floats
from impasto.correction.group_names import groups_of
from impasto.correction.per_group import By, On, PerGroup
from impasto.scale.sums import Moments, Part, merged, moments_of
from impasto.schema import InputError
from impasto.settings import Settings


class CombatSettings(Settings):
    """Which groups are batches; whether a confounded design is accepted."""

    method: Literal["combat"] = "combat"
    by: By = Field("plate", description="What a batch is: plate, batch or source.")
    confounded: bool = Field(False, description="Accept a batch that shares no perturbation with the others.")


@dataclass(frozen=True)
class ShiftAndScale:
    """What a batch learned.

    Attributes
    ----------
    shift
        gamma* (features,).
    scale
        delta* (features,).

    """

    shift: Array
    scale: Array


@dataclass(frozen=True, kw_only=True)
class Combat(PerGroup[CombatSettings, ShiftAndScale]):
    """ComBat after its fit.

    Attributes
    ----------
    mean
        Grand mean of each feature (features,).
    sd
        Sd of each feature within batches (features,); infinite where a feature does not vary.

    """

    name: ClassVar[str] = "combat"
    settings_class: ClassVar[type[Settings]] = CombatSettings
    least: ClassVar[Mapping[On, int]] = {"all": 2}
    settings: CombatSettings
    learned: dict[str, ShiftAndScale]
    mean: Array
    sd: Array

    @classmethod
    def passes(cls, _: CombatSettings, /) -> int:
        return 1

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: CombatSettings, _: Part | None, /) -> Part:
        return references.summarise(cls, plates, settings, cross=False)

    @classmethod
    def merged(cls, parts: Sequence[Part], settings: CombatSettings, _: Part | None, /) -> Part:
        return references.merged(cls, parts, settings)

    @classmethod
    def fitted_from(cls, whole: Part, settings: CombatSettings, /) -> Self:
        plates = references.moments(whole)
        names = np.array(groups_of(whole.words, settings.by), dtype=object)
        batches = {str(name): _together(plates, names == name) for name in sorted(set(names))}
        if len(batches) < 2:
            raise InputError(f"combat: there is one {settings.by} only, so there is nothing to align")
        # Pooled within batches, over n: the maximum-likelihood estimate that the method is defined with.
        sd = np.sqrt(sum((batch.squares_of_all for batch in batches.values()), start=np.zeros_like(plates.mean)) / plates.count)
        if (sd > 1e-12).sum() < 2:
            raise InputError("combat shrinks features towards each other and needs two that vary within batches; these profiles have fewer")
        shared = cls(settings=settings, keys=(), learned={}, mean=plates.mean, sd=np.where(sd > 1e-12, sd, np.inf))
        return replace(shared, learned={name: shared.of_batch(batch) for name, batch in batches.items()})

    def learn(self, values: Floats, _: Floats, /) -> ShiftAndScale:
        return self.of_batch(merged([moments_of([values], width=values.shape[1], cross=False)]))

    def of_batch(self, batch: Moments, /) -> ShiftAndScale:
        """What a batch learned, from its sums.

        Parameters
        ----------
        batch
            Its rows, their means and squares.

        Returns
        -------
        ShiftAndScale
            Shrunken towards what its features have in common.

        """
        varies = np.isfinite(self.sd)
        return shrunken(batch.count, (batch.mean - self.mean) / self.sd, batch.squares_of_all / self.sd**2, varies=varies)

    def apply(self, values: Floats, learned: ShiftAndScale, /) -> Array:
        varies, x = np.isfinite(self.sd), values.astype(np.float64)
        z = (x - self.mean) / self.sd
        return np.where(varies, np.where(varies, self.sd, 1.0) * (z - learned.shift) / learned.scale + self.mean, x)


def _together(plates: Moments, chosen: npt.NDArray[np.bool_]) -> Moments:
    return Moments(plates.counts[chosen], plates.means[chosen], plates.squares[chosen])


def shrunken(n: int, gamma: Array, squares: Array, /, *, varies: npt.NDArray[np.bool_]) -> ShiftAndScale:
    """Shift gamma* and scale delta* of one batch, shrunken by empirical Bayes.

    Parameters
    ----------
    n
        The rows of the batch.
    gamma
        (features,) the mean of its standardised rows.
    squares
        (features,) their sums of squares about that mean.
    varies
        (features,) whether a feature varies within batches.

    Returns
    -------
    ShiftAndScale
        (features,) each; 0 and 1 for a feature that does not vary.

    """
    known_gamma, squares = gamma[varies], squares[varies]
    known_delta = np.maximum(squares / (n - 1), 1e-12)
    centre, tau = known_gamma.mean(), known_gamma.var(ddof=1)
    m, s = known_delta.mean(), known_delta.var(ddof=1)
    shape, rate = (2 * s + m**2) / s, (m * s + m**3) / s
    new_gamma, new_delta = known_gamma.copy(), known_delta.copy()
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
    shift, scale = np.zeros(len(gamma)), np.ones(len(gamma))
    shift[varies], scale[varies] = new_gamma, np.sqrt(new_delta)
    return ShiftAndScale(shift, scale)
