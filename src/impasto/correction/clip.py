"""Clip: values beyond a limit become the limit. Normalised CellProfiler tables hold |x| up to 3e5, which dominate each cosine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import pandas as pd
from pydantic import Field

from impasto import profiles as tables
from impasto.correction.base import Corrector, Kind, with_values
from impasto.correction.teaching import LearnsFrom
from impasto.settings import Settings


class ClipSettings(Settings):
    """The limit."""

    method: Literal["clip"] = "clip"
    limit: float = Field(
        10.0, gt=0, description="Largest absolute value, in the unit of the profiles (sd of the controls after standardize)."
    )


@dataclass(frozen=True, kw_only=True)
class Clip(Corrector[ClipSettings]):
    """Learns nothing; the limit is a setting."""

    name: ClassVar[str] = "clip"
    feature_by_feature: ClassVar[bool] = True
    settings_class: ClassVar[type[Settings]] = ClipSettings
    settings: ClipSettings

    @classmethod
    def kind(cls, _: ClipSettings, /) -> Kind:
        return "plate"

    @classmethod
    def learns_from(cls, _: ClipSettings, /) -> LearnsFrom:
        return "nothing"

    @classmethod
    def before_plates(cls, _: pd.DataFrame, settings: ClipSettings, /) -> Self:
        return cls(settings=settings)

    @classmethod
    def learn_table(cls, _: anndata.AnnData, settings: ClipSettings, /) -> Self:
        return cls(settings=settings)

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        return with_values(profiles, np.clip(tables.dense(profiles), -self.settings.limit, self.settings.limit))
