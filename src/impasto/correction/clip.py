"""Clip: values beyond a limit become the limit. Normalised CellProfiler tables hold |x| up to 3e5, which drown every cosine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import anndata
import numpy as np

from impasto import profiles as tables
from impasto.correction.fitted import Corrector, with_values
from impasto.settings import Settings


class ClipSettings(Settings):
    """The limit, in the unit of the profiles (sd of the controls after standardize)."""

    limit: float = 10.0


@dataclass(frozen=True)
class Clip(Corrector):
    """Nothing is learned."""

    name: ClassVar[str] = "clip"
    settings_class: ClassVar[type[Settings]] = ClipSettings
    settings: ClipSettings

    @classmethod
    def fit(cls, _: anndata.AnnData, settings: Settings, /) -> Clip:
        assert isinstance(settings, ClipSettings)
        return cls(settings)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        return with_values(profiles, np.clip(tables.dense(profiles), -self.settings.limit, self.settings.limit))
