"""Rank-based inverse normal: each feature's ranks within a plate become the quantiles of a normal distribution.

    z = Phi^-1( (rank - 3/8) / (n + 1/4) )

Blom 1958. Ties share their mean rank. It forgets the shape of a feature's distribution, heavy tails included, and with it how far
an outlier lies; ranks are taken over all wells of the group, so it has no use for controls.

Ranks are counted here and not by `scipy.stats.rankdata`, which ranks values among themselves: a new well has to be ranked among the
wells of the fit, without changing their ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import ndtri

from impasto.correction.base import Array, Floats
from impasto.correction.per_group import ByOrAll, On, PerGroup
from impasto.settings import Settings


class InverseNormalSettings(Settings):
    """Within which group the ranks are taken."""

    method: Literal["inverse_normal"] = "inverse_normal"
    by: ByOrAll | None = Field("plate", description="Within what ranks are taken: plate, batch, source, or all rows.")
    confounded: bool = Field(
        False, description="Accept a group that shares no perturbation with the others: its own ranks hide how it differs from them."
    )


@dataclass(frozen=True)
class Ordered:
    """What a group learned.

    Attributes
    ----------
    lines
        (features, n) the sorted values of each feature, as precise as they were given. Those of many plates lie in a file.

    """

    lines: Floats


@dataclass(frozen=True, kw_only=True)
class InverseNormal(PerGroup[InverseNormalSettings, Ordered]):
    """A new well takes the quantile that it would have had among the wells of the fit."""

    name: ClassVar[str] = "inverse_normal"
    feature_by_feature: ClassVar[bool] = True
    by_columns: ClassVar[bool] = True
    settings_class: ClassVar[type[Settings]] = InverseNormalSettings
    least: ClassVar[Mapping[On, int]] = {"all": 2}
    settings: InverseNormalSettings
    learned: dict[str, Ordered]

    def learn(self, values: Floats, _: Floats, /) -> Ordered:
        lines = np.ascontiguousarray(values.T, dtype=np.float32)
        lines.sort(axis=1)
        return Ordered(lines)

    def apply(self, values: Floats, learned: Ordered, /) -> Array:
        out = np.empty(values.shape)
        for feature, (column, known) in enumerate(zip(np.ascontiguousarray(values.T), learned.lines, strict=True)):
            below, up_to = (np.searchsorted(known, column, side=side) for side in ("left", "right"))
            # The mean rank of a value among those it was fitted on; a value between two of them lies half way.
            out[:, feature] = blom((below + up_to + 1) / 2, n=len(known))
        return out


def blom(ranks: Array, /, *, n: int) -> Array:
    """Normal quantiles of ranks (Blom's plotting positions).

    Parameters
    ----------
    ranks
        Ranks from 1 to n, of any shape; ranks beyond either end take the value of that end.
    n
        The number of ranked values.

    Returns
    -------
    Array
        Of the shape of `ranks`: quantiles of the standard normal distribution.

    """
    return np.asarray(ndtri((np.clip(ranks, 1, n) - 0.375) / (n + 0.25)))
