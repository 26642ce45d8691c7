"""Sphering: rotate and scale so that the negative controls become white; what varies among controls is nuisance.

    W = V (L + r I)^(-1/2) V^T      with C = V L V^T the covariance of the controls     (`form = "ZCA"`)
    W = P^T-form on correlations    W = (R + r I)^(-1/2) D^(-1/2)                        (`form = "ZCA-cor"`)

Kessy et al. 2018, section 3; used for Cell Painting by Ando et al. 2017 (typical variation normalisation without CORAL) and
pycytominer's Spherize. The regulariser r keeps directions in which the controls hardly vary from being blown up; it is a share
of the mean eigenvalue, so that it means the same for any unit.

With fewer controls than features the eigenvectors come from the controls' Gram matrix: the cost is rows^2 x features, and
directions the controls never show are scaled by 1/sqrt(r).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
from pydantic import Field

from impasto import wells
from impasto.correction import references
from impasto.correction.base import Array, Floats
from impasto.correction.group_names import column_of_groups
from impasto.correction.per_group import ByOrAll, On, PerGroup
from impasto.correction.regulariser import search
from impasto.correction.spectrum import standardized
from impasto.scale.sums import Moments, Part
from impasto.schema import InputError
from impasto.settings import Settings


class SpheringSettings(Settings):
    """Form, regulariser, reference rows and groups."""

    method: Literal["sphering"] = "sphering"
    by: ByOrAll | None = Field(None, description="What has a rotation of its own: plate, batch or source; one for all rows where left out.")
    on: On = Field("controls", description="What becomes white: the negative controls, or all wells.")
    form: Literal["ZCA", "ZCA-cor"] = Field("ZCA-cor", description="Of the covariance (ZCA) or of the correlation (ZCA-cor).")
    regulariser: float | Literal["search"] = Field(
        0.1, description='A share of the mean eigenvalue, above 0, or "search" for the best of 25 (see docs/correction.md).'
    )


@dataclass(frozen=True)
class Whitening:
    """x -> ((x - mean) / spread) V diag(scale) V^T + rest / sqrt(r): a low-rank whitening.

    Attributes
    ----------
    mean
        (features,).
    spread
        (features,); an infinite one makes a feature 0.
    directions
        V (features, k).
    scale
        (k,) what each direction is multiplied by.
    elsewhere
        1 / sqrt(r), what all other directions are multiplied by.

    """

    mean: Array
    spread: Array
    directions: Array
    scale: Array
    elsewhere: float

    def apply(self, values: Floats, /) -> Floats:
        """Whiten rows.

        Parameters
        ----------
        values
            (n, features).

        Returns
        -------
        Floats
            (n, features) of float32. Computed in float64, a block at a time.

        """
        width, k = self.directions.shape
        weighted = (self.directions * (self.scale - self.elsewhere)).T
        whole = None if 2 * k < width else self.directions @ weighted + self.elsewhere * np.eye(width)
        out = np.empty(values.shape, dtype=np.float32)
        for rows, z in standardized(values, self.mean, self.spread):
            out[rows] = z @ whole if whole is not None else (z @ self.directions) @ weighted + z * self.elsewhere
        return out


@dataclass(frozen=True, kw_only=True)
class Sphering(PerGroup[SpheringSettings, Whitening]):
    """One whitening a group; `settings.regulariser` is the number that a search took."""

    name: ClassVar[str] = "sphering"
    settings_class: ClassVar[type[Settings]] = SpheringSettings
    least: ClassVar[Mapping[On, int]] = {"controls": 3, "all": 3}
    settings: SpheringSettings
    learned: dict[str, Whitening]

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: SpheringSettings, /) -> Self:
        if settings.regulariser == "search":

            def fit(marked: anndata.AnnData, regulariser: float, /) -> Sphering:
                return cls.learn_table(_not_spared(marked), settings.model_copy(update={"regulariser": regulariser}))

            # The search asks which wells are controls, so spared ones stay out of it, also where all wells become white.
            settings = settings.model_copy(update={"regulariser": search(_not_spared(profiles), fit)})
        elif settings.regulariser <= 0:
            raise InputError(
                f"sphering needs a regulariser above 0, not {settings.regulariser}: without one, noise is blown up without bound"
            )
        return super().learn_table(profiles, settings)

    @classmethod
    def passes(cls, settings: SpheringSettings, /) -> int:
        return 1 if column_of_groups(settings) is None and settings.regulariser != "search" else 0

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: SpheringSettings, _: Part | None, /) -> Part:
        return references.summarise(cls, plates, settings, cross=True)

    @classmethod
    def merged(cls, parts: Sequence[Part], settings: SpheringSettings, _: Part | None, /) -> Part:
        return references.merged(cls, parts, settings)

    @classmethod
    def fitted_from(cls, whole: Part, settings: SpheringSettings, /) -> Self:
        learned = whitening(references.moments(whole), correlation=settings.form == "ZCA-cor", regulariser=float(settings.regulariser))
        return cls(settings=settings, keys=(), learned={"": learned})

    def learn(self, _: Floats, reference: Floats, /) -> Whitening:
        chosen = self.settings
        return whitening(references.moments_of_rows(reference), correlation=chosen.form == "ZCA-cor", regulariser=float(chosen.regulariser))

    def apply(self, values: Floats, learned: Whitening, /) -> Floats:
        return learned.apply(values)


def _not_spared(profiles: anndata.AnnData) -> anndata.AnnData:
    return profiles[~wells.spared(profiles.obs)].copy()


def whitening(whole: Moments, /, *, correlation: bool, regulariser: float) -> Whitening:
    """The whitening of reference rows.

    Parameters
    ----------
    whole
        Of the reference rows, two or more.
    correlation
        Whether the correlation is whitened (ZCA-cor), or the covariance (ZCA).
    regulariser
        r, a share of the mean eigenvalue, above 0.

    Returns
    -------
    Whitening
        The fitted map.

    Raises
    ------
    InputError
        The reference rows do not vary.

    """
    sd = references.deviation(whole)
    spread = np.where(sd <= 1e-9, np.inf, sd if correlation else 1.0)
    if np.isinf(spread).all():
        raise InputError("sphering: the reference rows do not vary at all; they cannot tell nuisance from signal")
    variances, directions = references.principal(whole, spread)
    floor = regulariser * float(variances.sum()) / len(sd)
    return Whitening(whole.mean, spread, directions, 1 / np.sqrt(variances + floor), 1 / np.sqrt(floor))
