"""Select: features that can be compared, chosen once and applied by name.

Four kinds of features are dropped. The first have missing or infinite values in more than `missing` of the rows. The second hardly vary.
Of each pair that correlates above `correlation`, the one with the larger summed correlation goes, as in the field's habit. The last are
matched by `block`. What is still missing in a selected feature becomes the feature's median of its training rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import profiles as tables
from impasto.correction.base import Array, Corrector, with_values
from impasto.correction.teaching import LearnsFrom
from impasto.scale.columns import medians
from impasto.scale.sums import Part, merged, moments_of
from impasto.schema import InputError
from impasto.settings import Settings

_STEPS = 1e9


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
    feature_by_feature: ClassVar[bool] = True
    settings_class: ClassVar[type[Settings]] = SelectSettings
    settings: SelectSettings
    kept: tuple[str, ...]
    filling: Array

    @classmethod
    def learns_from(cls, _: SelectSettings, /) -> LearnsFrom:
        return "nothing"

    @classmethod
    def passes(cls, _: SelectSettings, /) -> int:
        return 3

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: SelectSettings, /) -> Self:
        return cls.by_sums(profiles, settings)

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: SelectSettings, before: Part | None, /) -> Part:
        if before is None:
            return _counted(plates)
        usable, holes = _usable(before, settings)
        if "filling" not in before.arrays:  # the second pass, for what has to be filled
            columns = [_infinite_is_missing(plate)[:, holes] for plate in plates] if holes.any() else []
            return Part({"columns": np.concatenate(columns).astype(np.float32)} if columns else {})
        filling = np.asarray(before.arrays["filling"])
        filled = (_filled(_infinite_is_missing(plate)[:, usable], filling[usable]) for plate in plates)
        return Part(moments_of(filled, width=int(usable.sum()), cross=settings.correlation is not None))

    @classmethod
    def merged(cls, parts: Sequence[Part], settings: SelectSettings, before: Part | None, /) -> Part:
        if before is None:
            counted = [part for part in parts if part.words]
            missing = sum((np.asarray(part.arrays["missing"]) for part in counted), start=np.zeros(1))
            rows = sum((np.asarray(part.arrays["rows"]) for part in counted), start=np.zeros(1))
            return Part({"missing": missing, "rows": rows}, {"features": counted[0].words["features"]})
        usable, holes = _usable(before, settings)
        known = {name: np.asarray(before.arrays[name]) for name in before.arrays}
        if "filling" not in known:
            filling = np.zeros(len(usable))
            filling[holes] = medians([part.arrays for part in parts if part.arrays], "columns", int(holes.sum()))
            return Part({**known, "filling": filling}, before.words)
        whole = merged(part.arrays for part in parts if part.arrays)
        sums = {"squares": whole.squares_of_all, **({} if whole.cross is None else {"cross": whole.cross})}
        return Part({**known, **sums}, before.words)

    @classmethod
    def fitted_from(cls, whole: Part, settings: SelectSettings, /) -> Self:
        usable, _ = _usable(whole, settings)
        rows, squares = float(whole.arrays["rows"][0]), np.asarray(whole.arrays["squares"])
        varies = np.sqrt(squares / rows) > settings.variance
        if not varies.any():
            raise InputError(f"select keeps none of the {len(usable)} features; loosen --set missing=, variance= or block=")
        chosen = np.flatnonzero(varies)
        if settings.correlation is not None:
            chosen = chosen[uncorrelated(np.asarray(whole.arrays["cross"])[np.ix_(chosen, chosen)], settings.correlation)]
        chosen = np.flatnonzero(usable)[chosen]
        names = whole.words["features"]
        filling = np.asarray(whole.arrays["filling"])[chosen]
        return cls(settings=settings, kept=tuple(names[int(place)] for place in chosen), filling=filling)

    def features_of_fit(self) -> tuple[str, ...]:
        return self.kept

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        absent = [name for name in self.kept if name not in profiles.var_names]
        if absent:
            raise InputError(f"select keeps {len(self.kept)} features, {len(absent)} of which these profiles lack (first: {absent[0]!r})")
        chosen = profiles[:, list(self.kept)]
        values = _infinite_is_missing(chosen)
        return with_values(chosen, _filled(values, self.filling))


def _matched(names: pd.Index, block: str) -> npt.NDArray[np.bool_]:
    try:
        return np.array([bool(block and re.search(block, name)) for name in names])
    except re.error as error:
        raise InputError(f"select: block = {block!r} is no regular expression ({error})") from None


def _infinite_is_missing(profiles: anndata.AnnData) -> Array:
    values = tables.dense(profiles).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _filled(values: Array, filling: Array) -> Array:
    return np.where(np.isnan(values), filling, values)


def _counted(plates: Iterable[anndata.AnnData]) -> Part:
    """How many rows there are, and in how many each feature is missing."""
    rows, missing, names = 0, np.zeros(1), list[str]()
    for plate in plates:
        missing = missing + (~np.isfinite(tables.dense(plate))).sum(axis=0)
        rows, names = rows + plate.n_obs, list(plate.var_names)
    return Part({"missing": missing, "rows": np.array([float(rows)])}, {"features": names} if names else {})


def _usable(counted: Part, settings: SelectSettings) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The features that may be selected, and which of them have to be filled."""
    missing, rows = np.asarray(counted.arrays["missing"]), float(counted.arrays["rows"][0])
    usable = (missing / rows <= settings.missing) & (missing < rows)
    usable &= ~_matched(pd.Index(counted.words["features"]), settings.block)
    if not usable.any():
        raise InputError(f"select keeps none of the {len(usable)} features; loosen --set missing=, variance= or block=")
    return usable, usable & (missing > 0)


def uncorrelated(cross: Array, limit: float, /) -> npt.NDArray[np.bool_]:
    """Which features stay when, of each pair above the limit, the one with the larger summed correlation goes.

    Parameters
    ----------
    cross
        (features, features) cross-products about the mean.
    limit
        The largest absolute correlation of two features that both stay.

    Returns
    -------
    npt.NDArray[np.bool_]
        (features,).

    """
    length = np.sqrt(np.diag(cross))
    # In steps of 1e-9, so that the sums of two features that are copies are equal whatever the order of addition.
    steps = np.rint(np.abs(cross / length / length[:, None]) * _STEPS).astype(np.int64)
    np.fill_diagonal(steps, 0)
    order = np.argsort(-steps.sum(axis=0), kind="stable")
    stays = np.ones(len(steps), dtype=bool)
    for column in order:
        if (steps[column, stays] > limit * _STEPS).any():
            stays[column] = False
    return stays
