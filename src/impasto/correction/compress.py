"""Compress: the largest principal components of the wells, the loud ones made quieter.

    y = (x - mean) V_k diag(l)^(-p/2)

with V_k the k directions of largest variance l among the rows that are learned from. p says how far the variances are evened out. At 0
components keep their variance. At 1 all have the same (PCA whitening). At .5 each is divided by the square root of its sd. It is for
tables with too few negative controls for a covariance of their own, where sphering and TVN blow up noise: single cells, a few wells.

It looks at what was done to the wells: components of all rows hold the mechanisms too. A score of the same wells is *transductive*; fit
on some compounds and transform others, or take `on = "controls"`, for one that is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
from pydantic import Field

from impasto import wells
from impasto.correction.base import Array, Corrector, LearnsFrom, new_features, with_values
from impasto.correction.per_group import On
from impasto.correction.spectrum import spectrum, standardized
from impasto.schema import InputError
from impasto.settings import Settings

_FEWEST = 3


class CompressSettings(Settings):
    """How many components, how even they are made, and the rows that show them."""

    method: Literal["compress"] = "compress"
    components: int = Field(64, ge=1, description="How many components, the largest; fewer where the rows show fewer.")
    power: float = Field(0.5, ge=0, le=1, description="How far variances are evened out: 0 not at all, 1 all the same.")
    on: On = Field("all", description="The rows that show the components: all wells, or the negative controls.")


@dataclass(frozen=True, kw_only=True)
class Compress(Corrector[CompressSettings]):
    """The components after the fit.

    Attributes
    ----------
    mean
        (features,) of the rows that were learned from.
    directions
        (features, k), each over its sd to the power `settings.power`.
    feature_names
        The features of the fit, in order.

    """

    name: ClassVar[str] = "compress"
    settings_class: ClassVar[type[Settings]] = CompressSettings
    settings: CompressSettings
    mean: Array
    directions: Array
    feature_names: tuple[str, ...]

    @classmethod
    def learns_from(cls, settings: CompressSettings, /) -> LearnsFrom:
        return "controls" if settings.on == "controls" else "wells"

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: CompressSettings, /) -> Self:
        values = wells.finite(profiles, task=cls.name)
        rows = values if settings.on == "all" else values[wells.negative(profiles.obs)]
        if len(rows) < _FEWEST:
            kind = "rows" if settings.on == "all" else "negative controls"
            raise InputError(f"compress: {len(rows)} {kind} are too few to show components, {_FEWEST} are needed; use --set on=all")
        mean = rows.mean(axis=0, dtype=np.float64)
        variances, directions = spectrum(rows, mean, np.ones(rows.shape[1]))
        if not len(variances) or variances[-1] <= 0:
            raise InputError("compress: the rows do not vary at all, so they show no components")
        largest = slice(None, -settings.components - 1, -1)
        scaled = directions[:, largest] * variances[largest] ** (-settings.power / 2)
        return cls(settings=settings, mean=mean, directions=_signed(scaled), feature_names=tuple(profiles.var_names))

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        other = set(profiles.var_names) ^ set(self.feature_names)
        if other:
            raise InputError(
                f"compress was fitted on {len(self.feature_names)} features, and these profiles have {profiles.n_vars} "
                f"(the first that differs: {min(other)!r}); give the features of the fit"
            )
        values = wells.finite(profiles[:, list(self.feature_names)], task=self.name)
        width = self.directions.shape[1]
        out = np.empty((len(values), width), dtype=np.float32)
        for rows, z in standardized(values, self.mean, np.ones_like(self.mean)):
            out[rows] = z @ self.directions
        return with_values(profiles, out, var=new_features(self.name, width))


def _signed(directions: Array) -> Array:
    """Each direction turned so that its largest entry is positive: the sign of an eigenvector is the library's choice."""
    largest = np.abs(directions).argmax(axis=0)
    return np.ascontiguousarray(directions * np.sign(directions[largest, np.arange(directions.shape[1])]))
