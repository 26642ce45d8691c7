"""What every corrector is: settings in, `fit` on some profiles, `transform` of any. Fitted state can be stored and used on new plates.

A corrector is a frozen dataclass of what it learned. `fit`, `extended`, `with_plate` and `transform` are final and hold the guards: no
corrector ever learns from a held-out well, nor from a spared control as from a control, whoever calls it. A method fills in `learn_table`
and `apply_table`; one that works plate by plate fills in the two functions of `PerGroup` instead (per_group.py).

A spared control judges, in place of a treated well that does nothing. So the fit must treat it as it treats such a well. `learns_from`
declares how a method does:

    controls  it asks which wells are controls (sphering): a treated well teaches it nothing or something else, and a spared one nothing
    wells     it learns from controls and treated wells alike (ComBat): spared ones are learned from as treated ones are
    nothing   its fit makes no well more like others (clip); spared ones are left out

A method whose fit is made of sums fills in `passes`, `summarise`, `merged` and `fitted_from`. `fit` then runs these over the plates of the
table, 64 at a time. A folder of plates that does not fit into memory is fitted by the same functions over the same plates, to the same
bits (by_plate.py). What a method holds in memory at that size is its `kind`:

    plate     a pure function of a plate; nothing is learned but from the plate's own rows
    group     a plate of a batch or source needs the rows of that batch or source
    sums      sums over plates, merged in order
    columns   a few features of all rows at a time, from files of columns
    matrix    all rows in a file, read a page at a time
    table     all rows that it needs, in memory at once
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Generic, Literal, Self, TypeVar, final

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import dataset, schema, wells
from impasto import profiles as tables
from impasto.feature_names import EMBEDDING_GROUP
from impasto.frames import profiles_of
from impasto.scale import sums
from impasto.scale.sums import Part
from impasto.schema import InputError
from impasto.settings import Settings

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
S = TypeVar("S", bound=Settings)
Kind = Literal["plate", "group", "sums", "columns", "matrix", "table"]
LearnsFrom = Literal["controls", "wells", "nothing"]


class Corrector(ABC, Generic[S]):
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

    name: ClassVar[str]
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

    @classmethod
    def learns_from(cls, _: S, /) -> LearnsFrom:
        """Whether the fit asks which wells are controls.

        Parameters
        ----------
        _
            Of the class `settings_class`.

        Returns
        -------
        LearnsFrom
            `controls` where it does, or may; `wells` where controls and treated wells teach it alike; `nothing` where no well becomes more
            like others by its fit.

        """
        return "controls"

    @final
    @classmethod
    def may_teach(cls, obs: pd.DataFrame, settings: S, /) -> wells.Flags:
        """The rows that may be learned from, which may be none.

        Parameters
        ----------
        obs
            Annotation of n rows.
        settings
            Of the class `settings_class`.

        Returns
        -------
        wells.Flags
            (n,) True for rows that are neither held out nor, unless the method learns from all wells alike, spared.

        """
        return cls._own(obs, settings) & ~wells.held_out(obs)

    @final
    @classmethod
    def teaches_its_own(cls, obs: pd.DataFrame, settings: S, /, *, new: bool = False) -> wells.Flags:
        """The rows that teach what is a group's own.

        Parameters
        ----------
        obs
            Annotation of the n rows of a group.
        settings
            Of the class `settings_class`.
        new
            Whether the group is new to a corrector that was fitted on others: its held-out rows teach too, as in `extended`.

        Returns
        -------
        wells.Flags
            (n,) True for rows that `may_teach`; of a group that is held out as a whole, for all but spared controls.

        """
        allowed = cls.may_teach(obs, settings)
        return cls._own(obs, settings) if new or not allowed.any() else allowed

    @classmethod
    def needed(cls, obs: pd.DataFrame, settings: S, /) -> wells.Flags:
        """The rows that have to be together for a fit, of those that may be learned from.

        Parameters
        ----------
        obs
            Annotation of n rows.
        settings
            Of the class `settings_class`.

        Returns
        -------
        wells.Flags
            (n,) True where they are.

        """
        return cls.may_teach(obs, settings)

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

    @final
    @classmethod
    def learnable(cls, obs: pd.DataFrame, settings: S, /) -> wells.Flags:
        """The rows that `fit` learns from.

        Parameters
        ----------
        obs
            Annotation of n rows.
        settings
            Of the class `settings_class`.

        Returns
        -------
        wells.Flags
            (n,) True for rows that `may_teach`.

        Raises
        ------
        InputError
            There is none.

        """
        allowed = cls.may_teach(obs, settings)
        if not allowed.any():
            raise InputError(
                f"{cls.name}: no row is left to learn from: of {len(obs)} rows {int(wells.spared(obs).sum())} are spared controls "
                f"and {int(wells.held_out(obs).sum())} are held out by the column split; spare or hold out less"
            )
        return allowed

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
    def passes(cls, _: S, /) -> int:
        """How often the plates are read for sums.

        Parameters
        ----------
        _
            Of the class `settings_class`.

        Returns
        -------
        int
            0 for a method that is not fitted by sums.

        """
        return 0

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
    def refuse_plate(cls, _: anndata.AnnData, __: S, /) -> None:
        """Refuse a plate that cannot be among those that sums are taken over; the others go on without it.

        Parameters
        ----------
        _
            The rows of one plate that may be learned from.
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
    def summarise(cls, plates: Iterable[anndata.AnnData], settings: S, before: Part | None, /) -> Part:
        """The sums of some plates.

        Parameters
        ----------
        plates
            The rows of each plate that may be learned from, a plate at a time; they may be none.
        settings
            Of the class `settings_class`.
        before
            What `merged` gave in the pass before this one; None in the first.

        Returns
        -------
        Part
            What `merged` needs of these plates.

        Raises
        ------
        NotImplementedError
            The method is not fitted by sums.

        """
        raise NotImplementedError(f"{cls.name} is not fitted by sums")

    @classmethod
    def merged(cls, parts: Sequence[Part], settings: S, before: Part | None, /) -> Part:
        """The sums of all plates.

        Parameters
        ----------
        parts
            What `summarise` gave, in the order of the plates; their arrays are read when they are asked for.
        settings, before
            As in `summarise`.

        Returns
        -------
        Part
            What the next pass, or `fitted_from`, needs.

        Raises
        ------
        NotImplementedError
            The method is not fitted by sums.

        """
        raise NotImplementedError(f"{cls.name} is not fitted by sums")

    @classmethod
    def fitted_from(cls, whole: Part, settings: S, /) -> Self:
        """The corrector that the sums of all plates give.

        Parameters
        ----------
        whole
            What `merged` gave in the last pass.
        settings
            Of the class `settings_class`.

        Returns
        -------
        Self
            The fitted corrector.

        Raises
        ------
        NotImplementedError
            The method is not fitted by sums.

        """
        raise NotImplementedError(f"{cls.name} is not fitted by sums")

    @final
    @classmethod
    def by_sums(cls, profiles: anndata.AnnData, settings: S, /) -> Self:
        """Fit by sums over the plates of a table.

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
        whole: Part | None = None
        for _ in range(cls.passes(settings)):
            parts = [cls.summarise(chunk, settings, whole) for chunk in _chunks(profiles)]
            whole = cls.merged(parts, settings, whole)
        assert whole is not None
        return cls.fitted_from(whole, settings)

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
    def _own(cls, obs: pd.DataFrame, settings: S) -> wells.Flags:
        """The rows from which a group's own part is learned where all of it is held out."""
        return ~wells.spared(obs) | (cls.learns_from(settings) == "wells")

    @classmethod
    def _checked(cls, settings: object) -> S:
        chosen = cls.settings_class() if settings is None else settings
        if not isinstance(chosen, cls.settings_class):
            wanted = cls.settings_class.__name__
            raise InputError(f"{cls.name} takes settings of class {wanted}, not {type(chosen).__name__}; write {wanted}(name=value, ...)")
        checked: S = chosen  # type: ignore[assignment]
        return checked


def _chunks(profiles: anndata.AnnData) -> Iterator[list[anndata.AnnData]]:
    """The plates of a table, `sums.CHUNK` at a time; a table without plates is one."""
    if schema.PLATE not in profiles.obs:
        yield [profiles]
        return
    waiting: list[anndata.AnnData] = []
    for plate in dataset.plates_of(profiles, named=False):
        waiting.append(plate)
        if len(waiting) == sums.CHUNK:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


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
