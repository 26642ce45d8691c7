"""Correctors that put the batches of their fit into one space: a batch that the fit did not see has no place there, and is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import wells
from impasto.correction.base import Corrector, Floats
from impasto.correction.group_names import column_of_groups
from impasto.correction.teaching import LearnsFrom, S
from impasto.schema import InputError
from impasto.settings import Settings

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class OfKnownBatches(Corrector[S]):
    """A corrector that knows its batches by name, and its features.

    Attributes
    ----------
    without
        What a new batch has not, as the sentence goes on: `"which has no matches"`.
    keys
        The columns that name a batch.
    feature_names
        Those of the fit.

    """

    without: ClassVar[str]
    settings: S
    keys: tuple[str, ...]
    feature_names: tuple[str, ...]

    @classmethod
    def learns_from(cls, _: S, /) -> LearnsFrom:
        return "wells"

    def features_of_fit(self) -> tuple[str, ...]:
        return self.feature_names

    @classmethod
    def batches_of_fit(cls, obs: pd.DataFrame, settings: S, /) -> tuple[Rows, list[str], tuple[str, ...]]:
        """The batches that are brought together.

        Parameters
        ----------
        obs
            Annotation of n rows.
        settings
            Of the class `settings_class`.

        Returns
        -------
        codes : Rows
            (n,) the number of each row's batch.
        names : list[str]
            Of the batches.
        keys : tuple[str, ...]
            The columns that name them.

        Raises
        ------
        InputError
            The column is missing, or there is one batch only.

        """
        by = _column(settings)
        wells.require(obs, [by], task=cls.name)
        codes, names = wells.groups(obs, by)
        if len(names) < 2:
            raise InputError(f"{cls.name}: there is one {by} only, so there is nothing to align")
        return codes, list(names), tuple(wells.keys_of_group(obs, by))

    def batches_of(self, obs: pd.DataFrame, /) -> Rows:
        """The batches of other rows.

        Parameters
        ----------
        obs
            Annotation of n rows.

        Returns
        -------
        Rows
            (n,) the number of each row's batch among `seen_in_fit`.

        Raises
        ------
        InputError
            The fit did not see a batch.

        """
        by, known = _column(self.settings), self.seen_in_fit()
        wells.require(obs, [by], task=self.name)
        codes, names = wells.groups(obs[[key for key in self.keys if key in obs]], by)
        strange = sorted(set(names) - set(known))
        if strange:
            raise InputError(f"{self.name} was fitted on {by} {', '.join(known)}, not on {strange[0]!r}, {self.without}; fit it on all")
        return np.array([known.index(name) for name in names])[codes]

    def values_of(self, profiles: anndata.AnnData, /) -> Floats:
        """The values of the features of the fit.

        Parameters
        ----------
        profiles
            n rows.

        Returns
        -------
        Floats
            (n, features) in the order of the fit.

        Raises
        ------
        InputError
            A feature or a value is missing.

        """
        lacking = [name for name in self.feature_names if name not in profiles.var_names]
        if lacking:
            raise InputError(
                f"{self.name} was fitted on {len(self.feature_names)} features, {len(lacking)} of which are lacking: {lacking[0]!r}"
            )
        return wells.finite(profiles[:, list(self.feature_names)].copy(), task=self.name)


def _column(settings: Settings) -> str:
    by = column_of_groups(settings)
    assert by is not None
    return by
