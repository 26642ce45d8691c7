"""Compress: the largest principal components of the wells, the loud ones made quieter.

    y = (x - mean) V_k diag(l)^(-p/2)

with V_k the k directions of largest variance l among the rows that are learned from. p says how far the variances are evened out. At 0
components keep their variance. At 1 all have the same (PCA whitening). At .5 each is divided by the square root of its sd. It is for
tables with too few negative controls for a covariance of their own, where sphering and TVN blow up noise: single cells, a few wells.

It looks at what was done to the wells: components of all rows hold the mechanisms too. A score of the same wells is *transductive*; fit
on some compounds and transform others, or take `on = "controls"`, for one that is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
from pydantic import Field

from impasto import wells
from impasto.correction import references
from impasto.correction.base import Array, Corrector, Floats, new_features, with_values
from impasto.correction.per_group import On
from impasto.correction.spectrum import standardized
from impasto.correction.teaching import LearnsFrom
from impasto.scale.sums import Part, merged, moments_of
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
    def passes(cls, _: CompressSettings, /) -> int:
        return 1

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: CompressSettings, /) -> Self:
        return cls.by_sums(profiles, settings)

    @classmethod
    def refuse_plate(cls, plate: anndata.AnnData, _: CompressSettings, /) -> None:
        wells.finite(plate, task=cls.name)

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: CompressSettings, _: Part | None, /) -> Part:
        names: list[str] = []

        def rows() -> Iterator[Floats]:
            for plate in plates:
                names[:] = plate.var_names
                values = wells.finite(plate, task=cls.name)
                yield values if settings.on == "all" else values[wells.negative(plate.obs)]

        each = rows()
        first = next(each, None)
        if first is None:
            return Part({})
        arrays = moments_of(chain([first], each), width=first.shape[1], cross=True, keep_rows=True)
        return Part(arrays, {"features": names})

    @classmethod
    def merged(cls, parts: Sequence[Part], settings: CompressSettings, _: Part | None, /) -> Part:
        known = [part for part in parts if part.words]
        count = int(sum(np.asarray(part.arrays["counts"]).sum() for part in known))
        if count < _FEWEST:
            kind = "rows" if settings.on == "all" else "negative controls"
            raise InputError(f"compress: {count} {kind} are too few to show components, {_FEWEST} are needed; use --set on=all")
        whole = merged(part.arrays for part in known)
        arrays = {"counts": whole.counts, "means": whole.means, "squares": whole.squares, "cross": whole.cross, "rows": whole.rows}
        return Part({name: value for name, value in arrays.items() if value is not None}, known[0].words)

    @classmethod
    def fitted_from(cls, whole: Part, settings: CompressSettings, /) -> Self:
        sums = references.moments(whole)
        variances, directions = references.principal(sums, np.ones(sums.means.shape[1]))
        if not len(variances) or variances[-1] <= 0:
            raise InputError("compress: the rows do not vary at all, so they show no components")
        largest = slice(None, -settings.components - 1, -1)
        scaled = directions[:, largest] * variances[largest] ** (-settings.power / 2)
        return cls(settings=settings, mean=sums.mean, directions=_signed(scaled), feature_names=tuple(whole.words["features"]))

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
