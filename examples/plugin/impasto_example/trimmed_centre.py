"""Trimmed centre: each feature minus the trimmed mean of its plate's negative controls.

    z = x - trimmed mean(x of the controls)

The trimmed mean leaves out a share of the lowest and of the highest values, so that a few bad controls do not move a plate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.stats import trim_mean

from impasto.correction.base import Array, Floats
from impasto.correction.per_group import By, On, PerGroup
from impasto.settings import Settings


class TrimmedCentreSettings(Settings):
    """Which rows, in which groups, and how many are left out."""

    method: Literal["trimmed_centre"] = "trimmed_centre"
    by: By | None = Field("plate", description="What has a centre of its own: plate, batch, source, or all rows as one.")
    on: On = Field("controls", description="Where the centre is taken: on the negative controls, or on all wells.")
    share: float = Field(0.1, ge=0, lt=0.5, description="The share of values that is left out at each end.")


@dataclass(frozen=True)
class Centre:
    """The trimmed mean of each feature (features,)."""

    centre: Array


@dataclass(frozen=True, kw_only=True)
class TrimmedCentre(PerGroup[TrimmedCentreSettings, Centre]):
    """The centre of each group."""

    name: ClassVar[str] = "trimmed_centre"
    settings_class: ClassVar[type[Settings]] = TrimmedCentreSettings
    settings: TrimmedCentreSettings
    learned: dict[str, Centre]

    def learn(self, _: Floats, reference: Floats, /) -> Centre:
        """The centre of a group, from its reference rows (m, features)."""
        return Centre(np.asarray(trim_mean(reference.astype(np.float64), self.settings.share, axis=0)))

    def apply(self, values: Floats, learned: Centre, /) -> Array:
        """Rows (n, features) minus the centre of their group."""
        return np.asarray(values - learned.centre)
