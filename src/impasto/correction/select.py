"""Select: features that can be compared, chosen once and applied by name.

Four kinds of features are dropped. The first have missing or infinite values in more than `missing` of the rows. The second hardly vary.
Of each pair that correlates above `correlation`, the one with the larger summed correlation goes, as in the field's habit. The last are
matched by `block`. What is still missing in a selected feature becomes the feature's median of its training rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import profiles as tables
from impasto.correction.base import Array, Corrector, with_values
from impasto.schema import InputError
from impasto.settings import Settings


class SelectSettings(Settings):
    """Thresholds."""

    method: Literal["select"] = "select"
    missing: float = Field(0.05, ge=0, le=1, description="Largest share of rows in which a feature may be missing or infinite.")
    variance: float = Field(1e-6, ge=0, description="Smallest sd of a feature over all rows, in its own unit; it has to be above.")
    correlation: float | None = Field(0.9, gt=0, description="Largest absolute correlation of two features that both stay.")
    block: str = Field(
        r"Nuclei_Correlation_RWC|_Manders_|Granularity_1[4-6]_",
        description="Regular expression on names that are dropped; by default those that depend on the order of objects.",
    )


@dataclass(frozen=True, kw_only=True)
class Select(Corrector[SelectSettings]):
    """The selection after its fit.

    Attributes
    ----------
    kept
        Names of the selected features, in order.
    filling
        (selected,) the value that stands for a missing one.

    """

    name: ClassVar[str] = "select"
    settings_class: ClassVar[type[Settings]] = SelectSettings
    settings: SelectSettings
    kept: tuple[str, ...]
    filling: Array

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: SelectSettings, /) -> Self:
        values = _infinite_is_missing(profiles)
        usable = np.isnan(values).mean(axis=0) <= settings.missing
        usable &= ~np.isnan(values).all(axis=0)
        usable &= ~_matched(profiles.var_names, settings.block)
        middle = np.zeros(values.shape[1])
        middle[usable] = np.nanmedian(values[:, usable], axis=0) if usable.any() else 0.0
        filled = np.where(np.isnan(values), middle, values)
        usable &= filled.std(axis=0) > settings.variance
        if not usable.any():
            raise InputError(f"select keeps none of the {profiles.n_vars} features; loosen --set missing=, variance= or block=")
        chosen = np.flatnonzero(usable)
        if settings.correlation is not None:
            chosen = chosen[_uncorrelated(filled[:, chosen], settings.correlation)]
        return cls(settings=settings, kept=tuple(profiles.var_names[chosen]), filling=middle[chosen])

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        absent = [name for name in self.kept if name not in profiles.var_names]
        if absent:
            raise InputError(f"select keeps {len(self.kept)} features, {len(absent)} of which these profiles lack (first: {absent[0]!r})")
        chosen = profiles[:, list(self.kept)]
        values = _infinite_is_missing(chosen)
        return with_values(chosen, np.where(np.isnan(values), self.filling, values))


def _matched(names: pd.Index, block: str) -> npt.NDArray[np.bool_]:
    try:
        return np.array([bool(block and re.search(block, name)) for name in names])
    except re.error as error:
        raise InputError(f"select: block = {block!r} is no regular expression ({error})") from None


def _infinite_is_missing(profiles: anndata.AnnData) -> Array:
    values = tables.dense(profiles).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _uncorrelated(values: Array, limit: float) -> npt.NDArray[np.bool_]:
    """Which columns stay when, of each pair above the limit, the one with the larger summed correlation goes."""
    correlation = np.abs(np.atleast_2d(np.corrcoef(values, rowvar=False)))
    np.fill_diagonal(correlation, 0.0)
    order = np.argsort(-correlation.sum(axis=0), kind="stable")
    stays = np.ones(len(correlation), dtype=bool)
    for column in order:
        if (correlation[column, stays] > limit).any():
            stays[column] = False
    return stays
