"""Rank-based inverse normal: each feature's ranks within a plate become the quantiles of a normal distribution.

    z = Phi^-1( (rank - 3/8) / (n + 1/4) )

Blom 1958. Ties share their mean rank. It forgets the shape of a feature's distribution, heavy tails included, and with it how far
an outlier lies; ranks are taken over all wells of the group, so it has no use for controls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
from scipy.stats import norm

from impasto import profiles as tables
from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, refuse_confounded, unmet, with_values
from impasto.settings import Settings


class InverseNormalSettings(Settings):
    """Within which group the ranks are taken."""

    by: Literal["plate", "batch", "source"] | None = "plate"
    confounded: bool = False
    """Whether a group that shares no perturbation with the others is accepted: its own ranks hide how it differs from them."""


@dataclass(frozen=True)
class InverseNormal(Corrector):
    """The sorted values of each feature and group: a new well takes the quantile it would have had among them."""

    name: ClassVar[str] = "inverse_normal"
    settings_class: ClassVar[type[Settings]] = InverseNormalSettings
    settings: InverseNormalSettings
    ordered: dict[str, Array]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> InverseNormal:
        assert isinstance(settings, InverseNormalSettings)
        if settings.by is not None:
            tables.require(profiles, settings.by, task=cls.name)
        refuse_confounded(profiles, settings.by, task=cls.name, confounded=settings.confounded)
        return cls(settings, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        values = finite_values(profiles, task=self.name)
        found = {g: np.sort(values[rows], axis=0) for g, rows in unmet(self.ordered, profiles, self.settings.by, task=self.name)}
        return replace(self, ordered=self.ordered | found)

    def met(self) -> tuple[str, ...]:
        return tuple(self.ordered)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values = finite_values(profiles, task=self.name)
        out = np.empty_like(values)
        for group, rows in each(profiles, self.settings.by, task=self.name):
            known = of_group(self.ordered, group, task=self.name, by=self.settings.by)
            for feature in range(values.shape[1]):
                below = np.searchsorted(known[:, feature], values[rows, feature], side="left")
                up_to = np.searchsorted(known[:, feature], values[rows, feature], side="right")
                # The mean rank of a value among those it was fitted on; a value between two of them lies half way.
                out[rows, feature] = blom((below + up_to + 1) / 2, n=len(known))
        return with_values(profiles, out)


def blom(ranks: Array, /, *, n: int) -> Array:
    """Normal quantiles of ranks 1..n (Blom's plotting positions); ranks beyond either end take that end's."""
    return np.asarray(norm.ppf((np.clip(ranks, 1, n) - 0.375) / (n + 0.25)))
