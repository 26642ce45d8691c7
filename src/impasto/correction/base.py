"""What every corrector is: settings in, `fit` on some profiles, `transform` of any. Fitted state can be stored and used on new plates.

A corrector is a frozen dataclass of what it learned. `fit`, `extended`, `with_plate` and `transform` are final and hold the guards: no
corrector ever learns from a held-out well, nor from a spared control as from a control, whoever calls it (teaching.py). A method fills in
`learn_table` and `apply_table`. One that works plate by plate fills in the two functions of `PerGroup` instead (per_group.py); one whose
fit is made of sums, those of `BySums` (by_sums.py). What a method holds in memory for a folder of plates is its `kind`:

    plate     a pure function of a plate; nothing is learned but from the plate's own rows
    group     a plate of a batch or source needs the rows of that batch or source
    sums      sums over plates, merged in order
    columns   a few features of all rows at a time, from files of columns
    matrix    all rows in a file, read a page at a time
    table     all rows that it needs, in memory at once
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Literal, Self, final

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import wells
from impasto.correction.by_sums import BySums
from impasto.correction.teaching import S, Teaching
from impasto.feature_names import EMBEDDING_GROUP
from impasto.frames import profiles_of
from impasto.schema import InputError
from impasto.settings import Settings

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Kind = Literal["plate", "group", "sums", "columns", "matrix", "table"]


class Corrector(Teaching[S], BySums[S], ABC):
    """A corrector after `fit`.

    Attributes
    ----------
    name
        The name of the method, as in `impasto correct --method NAME`.
    settings_class
        The class of its settings; all of them have defaults.
    reads_absent
        Whether it can do without some of its features (`absent`).
    feature_by_feature
        Whether what it makes of a feature depends on no other feature.
    settings
        The settings that it was fitted with.

    """

    settings_class: ClassVar[type[Settings]]
    reads_absent: ClassVar[bool] = False
    feature_by_feature: ClassVar[bool] = False
    settings: S

    def features_of_fit(self) -> tuple[str, ...]:
        """The features that `transform` asks for by name.

        Returns
        -------
        tuple[str, ...]
            Empty where it takes whatever features there are.

        """
        return ()

    @final
    @classmethod
    def fit(cls, profiles: anndata.AnnData | pd.DataFrame, settings: S | None = None, /) -> Self:
        """Learn from these profiles, without their held-out wells and, unless the method learns from all wells alike, spared controls.

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
        return cls.learn_table(_rows(table, cls.learnable(table.obs, chosen)), chosen)

    @final
    def extended(self, profiles: anndata.AnnData | pd.DataFrame, /) -> Self:
        """The same corrector, which also knows the groups (plates, batches, sources) of these profiles.

        What is a group's own (its centre, its shift) is learned from its own rows; its spared controls teach as in `fit`. Groups that are
        held out as a whole are learned too. What all groups share stays as it was fitted, and so do the groups seen before.

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
        return self.extend_table(_rows(table, self._own(table.obs, self.settings)))

    @final
    def with_plate(self, plate: anndata.AnnData, /) -> Self:
        """The same corrector, which also knows a plate of its fit, as the fit on all plates would have learned it.

        Parameters
        ----------
        plate
            All rows of one plate.

        Returns
        -------
        Self
            One that can transform the plate. A plate that is held out as a whole is learned as `extended` learns it.

        """
        return self.extend_table(_rows(plate, self.teaches_its_own(plate.obs, self.settings)))

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
    def bytes_of_fit(cls, rows: int, width: int, _: S, /) -> int:
        """What the rows of a fit take in memory.

        Parameters
        ----------
        rows
            How many rows are `needed`.
        width
            How many features they have.
        _
            Of the class `settings_class`.

        Returns
        -------
        int
            Bytes.

        """
        return 4 * rows * width

    @classmethod
    def kind(cls, settings: S, /) -> Kind:
        """What a fit and a transform need in memory.

        Parameters
        ----------
        settings
            Of the class `settings_class`.

        Returns
        -------
        Kind
            `plate`, `group`, `sums`, `columns`, `matrix` or `table`.

        """
        return "sums" if cls.passes(settings) else "table"

    @classmethod
    def refuse(cls, _: pd.DataFrame, __: S, /) -> None:
        """Refuse a table that cannot be corrected, whatever its values are.

        Parameters
        ----------
        _
            Annotation of the rows that are learned from.
        __
            Of the class `settings_class`.

        Raises
        ------
        InputError
            Where it is refused.

        """

    @classmethod
    def before_plates(cls, _: pd.DataFrame, settings: S, /) -> Self:
        """The corrector before it has seen a plate, for a method that learns each plate from its own rows.

        Parameters
        ----------
        _
            Annotation of all rows that may be learned from.
        settings
            Of the class `settings_class`.

        Returns
        -------
        Self
            One that `with_plate` completes.

        Raises
        ------
        NotImplementedError
            The method is of another kind.

        """
        raise NotImplementedError(f"{cls.name} is of kind {cls.kind(settings)}")

    @classmethod
    def learn_matrix(cls, profiles: anndata.AnnData, settings: S, scratch: Path, /) -> Self:  # noqa: ARG003
        """Learn from rows in a file.

        Parameters
        ----------
        profiles
            Profiles without the rows that nothing may be learned from; their values are mapped.
        settings
            Of the class `settings_class`.
        scratch
            A folder for what a fit that was killed takes up again.

        Returns
        -------
        Self
            What `learn_table` gives, to the same bits.

        """
        return cls.learn_table(profiles, settings)

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
