"""Select: features that can be compared, chosen once and applied by name.

Dropped: features with missing or infinite values in more than `missing` of the rows, features that hardly vary, one of each pair
that correlates above `correlation` (the one with the larger summed correlation, as in the field's habit), and those matched by
`block`. What is still missing in the kept ones becomes the feature's median of its training rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import anndata
import numpy as np

from impasto import profiles as tables
from impasto.correction.fitted import Array, Corrector, with_values
from impasto.schema import InputError
from impasto.settings import Settings


class SelectSettings(Settings):
    """Thresholds. `block` is a regular expression on names; the default drops what depends on the order of objects."""

    missing: float = 0.05
    variance: float = 1e-6
    correlation: float | None = 0.9
    block: str = r"Nuclei_Correlation_RWC|_Manders_|Granularity_1[4-6]_"


@dataclass(frozen=True)
class Select(Corrector):
    """The names kept, and the value that stands for a missing one."""

    name: ClassVar[str] = "select"
    settings_class: ClassVar[type[Settings]] = SelectSettings
    settings: SelectSettings
    kept: tuple[str, ...]
    filling: Array

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Select:
        assert isinstance(settings, SelectSettings)
        values = _infinite_is_missing(profiles)
        usable = np.isnan(values).mean(axis=0) <= settings.missing
        usable &= np.array([not (settings.block and re.search(settings.block, name)) for name in profiles.var_names])
        middle = np.zeros(values.shape[1])
        middle[usable] = np.nanmedian(values[:, usable], axis=0) if usable.any() else 0.0
        filled = np.where(np.isnan(values), middle, values)
        usable &= filled.std(axis=0) > settings.variance
        if not usable.any():
            raise InputError(f"select keeps none of the {profiles.n_vars} features; loosen --set missing=, variance= or block=")
        chosen = np.flatnonzero(usable)
        if settings.correlation is not None:
            chosen = chosen[_uncorrelated(filled[:, chosen], settings.correlation)]
        return cls(settings, tuple(profiles.var_names[chosen]), middle[chosen])

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        absent = [name for name in self.kept if name not in profiles.var_names]
        if absent:
            raise InputError(f"select keeps {len(self.kept)} features, {len(absent)} of which these profiles lack (first: {absent[0]!r})")
        chosen = profiles[:, list(self.kept)]
        values = _infinite_is_missing(chosen)
        return with_values(chosen, np.where(np.isnan(values), self.filling, values))


def _infinite_is_missing(profiles: anndata.AnnData) -> Array:
    values = tables.dense(profiles).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _uncorrelated(values: Array, limit: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which columns stay when, of every pair above the limit, the one with the larger summed correlation goes."""
    correlation = np.abs(np.corrcoef(values, rowvar=False))
    np.fill_diagonal(correlation, 0.0)
    order = np.argsort(-correlation.sum(axis=0), kind="stable")
    stays = np.ones(len(correlation), dtype=bool)
    for column in order:
        if (correlation[column, stays] > limit).any():
            stays[column] = False
    return stays
