"""What every corrector is: settings in, `fit` on some profiles, `transform` of any. Fitted state can be stored and used on new plates.

A corrector is a frozen dataclass of what it learned. `fit`, `extended` and `transform` are final and hold the guards: no corrector ever
learns from a spared control or a held-out well, whoever calls it. A method fills in `learn_table` and `apply_table`; one that works
plate by plate fills in the two functions of `PerGroup` instead (per_group.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, Self, TypeVar, final

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import wells
from impasto.feature_names import EMBEDDING_GROUP
from impasto.frames import profiles_of
from impasto.schema import InputError
from impasto.settings import Settings

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
S = TypeVar("S", bound=Settings)


class Corrector(ABC, Generic[S]):
    """A corrector after `fit`.

    Attributes
    ----------
    name
        The name of the method, as in `impasto correct --method NAME`.
    settings_class
        The class of its settings; all of them have defaults.
    settings
        The settings that it was fitted with.

    """

    name: ClassVar[str]
    settings_class: ClassVar[type[Settings]]
    settings: S

    @final
    @classmethod
    def fit(cls, profiles: anndata.AnnData | pd.DataFrame, settings: S | None = None, /) -> Self:
        """Learn from these profiles, without their spared controls and held-out wells.

        Parameters
        ----------
        profiles
            n rows; a DataFrame with `Metadata_` columns does as well. They are not changed.
        settings
            Of the class `settings_class`; its defaults where left out.

        Returns
        -------
        Self
            The fitted corrector.

        Raises
        ------
        InputError
            No row is left to learn from, controls are missing, or a group shares nothing with the others.

        """
        table, chosen = profiles_of(profiles, task=cls.name), cls._checked(settings)
        allowed = wells.learnable(table.obs)
        if not allowed.any():
            raise InputError(
                f"{cls.name}: no row is left to learn from: of {table.n_obs} rows {int(wells.spared(table.obs).sum())} are spared controls "
                f"and {int(wells.held_out(table.obs).sum())} are held out by the column split; spare or hold out less"
            )
        return cls.learn_table(_rows(table, allowed), chosen)

    @final
    def extended(self, profiles: anndata.AnnData | pd.DataFrame, /) -> Self:
        """The same corrector, which also knows the groups (plates, batches, sources) of these profiles.

        What is a group's own (its centre, its shift) is learned from its own rows, without its spared controls. Groups that are held
        out as a whole are learned too. What all groups share stays as it was fitted, and so do the groups seen before.

        Parameters
        ----------
        profiles
            Rows of groups seen before, of new ones, or both.

        Returns
        -------
        Self
            One that can transform all these rows.

        Raises
        ------
        InputError
            A new group lacks what is needed.

        """
        table = profiles_of(profiles, task=self.name)
        return self.extend_table(_rows(table, ~wells.spared(table.obs)))

    @final
    def transform(self, profiles: anndata.AnnData | pd.DataFrame, /) -> anndata.AnnData:
        """Corrected profiles.

        Parameters
        ----------
        profiles
            n rows with the features of the fit. They are not changed.

        Returns
        -------
        anndata.AnnData
            The same n rows, corrected.

        Raises
        ------
        InputError
            A group was not seen in fit (see `extended`).

        """
        return self.apply_table(profiles_of(profiles, task=self.name))

    def seen_in_fit(self) -> tuple[str, ...]:
        """The groups that this corrector knows, from its fit or by `extended`.

        Returns
        -------
        tuple[str, ...]
            Empty where a method has no groups.

        """
        return ()

    @classmethod
    @abstractmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: S, /) -> Self:
        """Learn from all rows of these profiles.

        Parameters
        ----------
        profiles
            Profiles without the rows that nothing may be learned from.
        settings
            Of the class `settings_class`.

        Returns
        -------
        Self
            The fitted corrector.

        """

    @abstractmethod
    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        """Correct profiles, which are not changed.

        Parameters
        ----------
        profiles
            n rows.

        Returns
        -------
        anndata.AnnData
            The same n rows, corrected.

        """

    def extend_table(self, _: anndata.AnnData, /) -> Self:
        """Learn what is new in these profiles, for `extended`.

        Parameters
        ----------
        _
            Profiles without the rows that nothing may be learned from.

        Returns
        -------
        Self
            This one, where a method has no groups.

        """
        return self

    @classmethod
    def _checked(cls, settings: object) -> S:
        chosen = cls.settings_class() if settings is None else settings
        if not isinstance(chosen, cls.settings_class):
            wanted = cls.settings_class.__name__
            raise InputError(f"{cls.name} takes settings of class {wanted}, not {type(chosen).__name__}; write {wanted}(name=value, ...)")
        checked: S = chosen  # type: ignore[assignment]
        return checked


def _rows(profiles: anndata.AnnData, chosen: wells.Flags) -> anndata.AnnData:
    return profiles if chosen.all() else profiles[chosen].copy()


def with_values(profiles: anndata.AnnData, values: npt.NDArray[np.floating], /, *, var: pd.DataFrame | None = None) -> anndata.AnnData:
    """The same rows with other values.

    Parameters
    ----------
    profiles
        n rows.
    values
        (n, d) values.
    var
        What describes the d features, where they are not those of `profiles`.

    Returns
    -------
    anndata.AnnData
        A new object: n rows of d features, float32.

    """
    as_float32 = values.astype(np.float32, copy=False)
    return anndata.AnnData(X=as_float32, obs=profiles.obs.copy(), var=profiles.var.copy() if var is None else var, uns=dict(profiles.uns))


def new_features(stem: str, count: int, /) -> pd.DataFrame:
    """The `var` table of features that a corrector makes: `tvn_0000`, `tvn_0001`.

    Parameters
    ----------
    stem
        The name of the method.
    count
        How many.

    Returns
    -------
    pd.DataFrame
        (`count` rows) features of the group `embedding`.

    """
    return tables.describe_features([f"{stem}_{number:04d}" for number in range(count)]).assign(group=EMBEDDING_GROUP)
