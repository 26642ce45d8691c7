"""Correctors that work group by group: a plate, a batch or a source is corrected by what was learned from its own rows.

All bookkeeping of groups is here. A method of this kind is its equation, `learn(values, reference)` and `apply(values, learned)`, and
where groups share something (components, a grand mean) `begin`. Its settings say the rest, in three fields that are read here:

    by             what a group is: plate, batch, source, or `all` (or None) for all rows as one; a plate where there is no such field
    on             what `reference` holds: the group's negative controls, or all its rows; all rows where there is no such field
    confounded     whether a group that shares no perturbation with the others is accepted; where there is no such field, it is

Groups are named by `wells.groups` (group_names.py): two plates of one name in two batches are two. `learned` of one group does not depend
on any other, so that plates can be learned one at a time and put together afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Generic, Literal, Self, TypeVar

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import dataset, schema, wells
from impasto.correction import few_features, group_names
from impasto.correction.base import Corrector, Floats, Kind, with_values
from impasto.correction.teaching import LearnsFrom, S
from impasto.scale import columns
from impasto.schema import InputError
from impasto.settings import Settings

By = Literal["plate", "batch", "source"]
ByOrAll = Literal["plate", "batch", "source", "all"]
On = Literal["controls", "all"]
Rows = npt.NDArray[np.intp]
L = TypeVar("L")
_NAMED = 5


@dataclass(frozen=True)
class Group:
    """The rows of one plate, batch or source in a table of n rows."""

    table: Floats
    """Values of the whole table (n, features)."""
    obs: pd.DataFrame
    """Annotation of the whole table (n rows)."""
    rows: Rows
    """Rows of the group, ascending."""
    reference_rows: Rows
    """Those of them that a statistic is taken over."""

    @property
    def values(self) -> Floats:
        """Values of the group's rows."""
        return self.table if len(self.rows) == len(self.table) else self.table[self.rows]

    @property
    def reference(self) -> Floats:
        """Values of the rows that a statistic is taken over."""
        return self.table[self.reference_rows]


@dataclass(frozen=True, kw_only=True)
class PerGroup(Corrector[S], Generic[S, L]):
    """A corrector by group.

    Attributes
    ----------
    keys
        The columns that named the groups in the fit: `("source", "batch", "plate")` as far as the table had them.
    learned
        Name of a group -> what was learned from it.
    feature_names
        The features of the fit, in order; empty where they are not known (a folder of 0.1.0).
    least
        How many reference rows a group needs, by `on`.
    by_columns
        Whether `learn` of a few features gives what it gives of all, and what is learned is a record of arrays whose first axis are the
        features. A batch, a source or all rows are then learned a few features at a time, in memory and from files alike.

    """

    by_columns: ClassVar[bool] = False
    least: ClassVar[Mapping[On, int]] = {"controls": 2, "all": 1}
    settings: S
    keys: tuple[str, ...]
    learned: dict[str, L]
    feature_names: tuple[str, ...] = ()

    def learn(self, values: Floats, reference: Floats, /) -> L:
        """Learn what is a group's own.

        Parameters
        ----------
        values
            (n, features) the rows of the group.
        reference
            (m, features) those of them that a statistic is taken over.

        Returns
        -------
        L
            What `apply` needs.

        Raises
        ------
        NotImplementedError
            The method defines neither `learn` nor `learn_group`.

        """
        raise NotImplementedError(f"{self.name} defines neither learn nor learn_group")

    def apply(self, values: Floats, learned: L, /) -> npt.NDArray[np.floating]:
        """Correct the rows of a group.

        Parameters
        ----------
        values
            (n, features) the rows of the group.
        learned
            What was learned from the group.

        Returns
        -------
        npt.NDArray[np.floating]
            (n, features out). Corrected rows.

        Raises
        ------
        NotImplementedError
            The method defines neither `apply` nor `apply_group`.

        """
        raise NotImplementedError(f"{self.name} defines neither apply nor apply_group")

    @classmethod
    def begin(cls, groups: Mapping[str, Group], settings: S, keys: tuple[str, ...], /) -> Self:  # noqa: ARG003
        """Learn what all groups share. Their own parts are learned after that.

        Parameters
        ----------
        groups
            Name -> rows of each group.
        settings
            Of the class `settings_class`.
        keys
            The columns that name the groups.

        Returns
        -------
        Self
            The corrector without what is a group's own.

        """
        return cls(settings=settings, keys=keys, learned={})

    @classmethod
    def reference_of(cls, settings: Settings, /) -> On:
        """The rows that statistics are taken over.

        Parameters
        ----------
        settings
            The settings of the corrector.

        Returns
        -------
        On
            The field `on` of the settings; `all` where there is none.

        Raises
        ------
        InputError
            The field holds another word.

        """
        return schema.one_of(getattr(settings, "on", "all"), ("controls", "all"), what="reference")  # type: ignore[return-value]

    def features(self, var: pd.DataFrame, /) -> pd.DataFrame:
        """The features of the corrected profiles; those of the profiles given, unless a method makes its own.

        Parameters
        ----------
        var
            The `var` table of the profiles given.

        Returns
        -------
        pd.DataFrame
            The `var` table of the corrected profiles.

        """
        return var.copy()

    def learn_group(self, group: Group, /) -> L:
        """`learn` with the group's annotation, for a method that needs more of its wells than their values.

        Parameters
        ----------
        group
            The rows of the group.

        Returns
        -------
        L
            What `apply_group` needs.

        """
        return self.learn(group.values, group.reference)

    def apply_group(self, group: Group, learned: L, /) -> npt.NDArray[np.floating]:
        """`apply` with the group's annotation.

        Parameters
        ----------
        group
            The rows of the group.
        learned
            What was learned from the group.

        Returns
        -------
        npt.NDArray[np.floating]
            (n, features out). Corrected rows.

        """
        return self.apply(group.values, learned)

    # ------------------------------------------------------------ the same for all
    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: S, /) -> Self:
        references, keys = cls._references(profiles, settings)
        fitted = replace(cls.by_sums(profiles, settings), keys=keys) if cls.passes(settings) else cls.begin(references, settings, keys)
        return replace(fitted._with_groups(references), feature_names=tuple(profiles.var_names))

    @classmethod
    def learn_matrix(cls, profiles: anndata.AnnData, settings: S, scratch: Path, /) -> Self:
        references, keys = cls._references(profiles, settings)
        fitted = cls.begin_in(scratch, references, settings, keys)
        return replace(fitted._with_groups(references), feature_names=tuple(profiles.var_names))

    @classmethod
    def begin_in(cls, scratch: Path, groups: Mapping[str, Group], settings: S, keys: tuple[str, ...], /) -> Self:  # noqa: ARG003
        """`begin` with a folder for what a fit that was killed takes up again.

        Parameters
        ----------
        scratch
            The folder; it need not be there.
        groups, settings, keys
            As `begin` takes them.

        Returns
        -------
        Self
            What `begin` gives, to the same bits.

        """
        return cls.begin(groups, settings, keys)

    @classmethod
    def _references(cls, profiles: anndata.AnnData, settings: S) -> tuple[dict[str, Group], tuple[str, ...]]:
        keys = tuple(wells.keys_of_group(profiles.obs, group_names.column_of_groups(settings)))
        groups = cls._groups(profiles, settings, keys)
        cls.refuse(profiles.obs, settings)
        return {name: cls._with_reference(name, group, settings) for name, group in groups.items()}, keys

    def _with_groups(self, groups: Mapping[str, Group]) -> Self:
        """With what is each group's own, where it is not known yet."""
        known = self.learned
        return replace(self, learned={name: known[name] if name in known else self._of_group(group) for name, group in groups.items()})

    def _of_group(self, group: Group) -> L:
        if not self.learns_by_columns(self.settings):
            return self.learn_group(group)
        # In the order of a folder of plates, so that sums have the same bits.
        place = np.empty(len(group.obs), dtype=np.intp)
        place[dataset.rows_in_order(group.obs)] = np.arange(len(group.obs))
        rows = group.rows[np.argsort(place[group.rows])]
        few = columns.few_of(group.table, rows)
        return few_features.learned(self.learn, few, np.isin(rows, group.reference_rows), group.table.shape[1], np.empty)

    @classmethod
    def learns_by_columns(cls, settings: Settings, /) -> bool:
        """Whether a group is learned a few features at a time.

        Parameters
        ----------
        settings
            Of the class `settings_class`.

        Returns
        -------
        bool
            True for a batch, a source or all rows, where the method can.

        """
        return cls.by_columns and group_names.column_of_groups(settings) != schema.PLATE

    @classmethod
    def kind(cls, settings: S, /) -> Kind:
        if cls.passes(settings):
            return "sums"
        by = group_names.column_of_groups(settings)
        if cls.begin.__func__ is not PerGroup.begin.__func__:  # type: ignore[attr-defined]
            return "table"
        if cls.learns_by_columns(settings):
            return "columns"
        return "table" if by is None else "plate" if by == schema.PLATE else "group"

    @classmethod
    def learns_from(cls, settings: S, /) -> LearnsFrom:
        return "controls" if cls.reference_of(settings) == "controls" else "wells"

    @classmethod
    def before_plates(cls, obs: pd.DataFrame, settings: S, /) -> Self:
        return cls.begin({}, settings, tuple(wells.keys_of_group(obs, group_names.column_of_groups(settings))))

    @classmethod
    def refuse(cls, obs: pd.DataFrame, settings: S, /) -> None:
        if not getattr(settings, "confounded", True) and cls.reference_of(settings) == "all":
            group_names.refuse_confounded(obs, group_names.column_of_groups(settings), task=cls.name)

    @classmethod
    def refuse_plate(cls, plate: anndata.AnnData, settings: S, /) -> None:
        cls.reference_rows(plate, settings)

    @classmethod
    def reference_rows(cls, plate: anndata.AnnData, settings: S, /) -> Floats:
        """The rows of a plate that sums are taken over.

        Parameters
        ----------
        plate
            The rows of one plate that may be learned from.
        settings
            Of the class `settings_class`.

        Returns
        -------
        Floats
            (m, features) the negative controls, or all rows; they may be none.

        Raises
        ------
        InputError
            A value is missing, or a plate that is corrected on its own has too few of these rows.

        """
        values = wells.finite(plate, task=cls.name)
        if group_names.column_of_groups(settings) == schema.PLATE:
            group = Group(values, plate.obs, np.arange(len(values)), np.arange(0))
            return cls._with_reference(dataset.key_of(plate.obs, named=False).name, group, settings).reference
        return values if cls.reference_of(settings) == "all" else values[wells.negative(plate.obs)]

    def extend_table(self, profiles: anndata.AnnData, /) -> Self:
        groups = self._groups(self.with_its_features(profiles), self.settings, self.keys)
        new = {name: self._with_reference(name, group, self.settings) for name, group in groups.items() if name not in self.learned}
        return replace(self, learned=self.learned | {name: self._of_group(group) for name, group in new.items()}) if new else self

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        profiles = self.with_its_features(profiles)
        groups = self._groups(profiles, self.settings, self.keys)
        for name in groups:
            if name not in self.learned:
                by = group_names.column_of_groups(self.settings)
                raise InputError(f"{self.name} was fitted on {_listed(self.learned)}, not on {name!r}; fit it on the new {by} too")
        var = self.features(profiles.var)
        out = np.empty((profiles.n_obs, len(var)), dtype=np.float32)
        for name, group in groups.items():
            out[group.rows] = self.apply_group(group, self.learned[name])
        return with_values(profiles, out, var=var)

    def seen_in_fit(self) -> tuple[str, ...]:
        return tuple(self.learned)

    def features_of_fit(self) -> tuple[str, ...]:
        return self.feature_names

    def with_its_features(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        """The profiles with the features of the fit, in the order of the fit.

        Parameters
        ----------
        profiles
            n rows.

        Returns
        -------
        anndata.AnnData
            The profiles themselves where they have that order, or where the features of the fit are not known.

        Raises
        ------
        InputError
            They have other features.

        """
        if not self.feature_names or tuple(profiles.var_names) == self.feature_names:
            return profiles
        other = sorted(set(profiles.var_names) ^ set(self.feature_names))
        if other:
            raise InputError(
                f"{self.name} was fitted on {len(self.feature_names)} features, and these profiles have {profiles.n_vars} "
                f"(the first that differs: {other[0]!r}); give the features of the fit: select them by name, or by the fitted select step"
            )
        return profiles[:, list(self.feature_names)].copy()

    @classmethod
    def _groups(cls, profiles: anndata.AnnData, settings: S, keys: tuple[str, ...]) -> dict[str, Group]:
        values = wells.finite(profiles, task=cls.name)
        by = group_names.column_of_groups(settings)
        codes, names = group_names.codes_of_fit(profiles.obs, by, keys, task=cls.name)
        order = np.argsort(codes, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
        groups = {name: Group(values, profiles.obs, rows, rows[:0]) for name, rows in zip(names, parts, strict=True)}
        if by is None:
            return groups
        # By their own names first, so that sums over groups do not depend on whether a table also knows batches and sources.
        own = profiles.obs[by].astype(str).to_numpy()
        return dict(sorted(groups.items(), key=lambda item: (own[item[1].rows[0]], item[0])))

    @classmethod
    def _with_reference(cls, name: str, group: Group, settings: S) -> Group:
        on = cls.reference_of(settings)
        rows = group.rows if on == "all" else group.rows[wells.negative(group.obs.iloc[group.rows])]
        cls.refuse_few(name, len(group.rows), len(rows), settings, spared=schema.SPARED in group.obs)
        return replace(group, reference_rows=rows)

    @classmethod
    def refuse_few(cls, name: str, rows: int, references: int, settings: S, /, *, spared: bool) -> None:
        """Refuse a group that has too few rows for a statistic.

        Parameters
        ----------
        name
            Of the group; `""` for all rows as one.
        rows
            How many rows it has.
        references
            How many of them a statistic is taken over.
        settings
            Of the class `settings_class`.
        spared
            Whether the table marks spared controls.

        Raises
        ------
        InputError
            They are fewer than `least`.

        """
        on = cls.reference_of(settings)
        if references >= cls.least[on]:
            return
        place = f" of {name}" if name else ""
        if on == "all":
            raise InputError(f"{cls.name}: the {references} rows{place} are too few, {cls.least[on]} are needed; choose a larger group by")
        spare = " that are not spared" if spared else ""
        other = "use --set on=all, or " if "on" in type(settings).model_fields else ""
        raise InputError(
            f"{cls.name}: the {rows} rows{place} hold {references} negative controls{spare}, at least {cls.least[on]} are "
            f"needed; {other}mark them when you read the table: --negcon DMSO"
        )


def _listed(names: Mapping[str, object]) -> str:
    few = list(names)[:_NAMED]
    return ", ".join(few) + (f" and {len(names) - len(few)} others" if len(names) > len(few) else "")
