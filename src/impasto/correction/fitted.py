"""What every corrector is: settings in, `fit` on some profiles, `transform` of any. Fitted state can be kept and used on new plates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self, TypeVar

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import schema
from impasto.schema import InputError
from impasto.settings import Settings

Array = npt.NDArray[np.float64]
T = TypeVar("T")


class Corrector(ABC):
    """A corrector after `fit`: arrays by name, and the function that applies them."""

    name: ClassVar[str]
    settings_class: ClassVar[type[Settings]]
    settings: Settings

    @classmethod
    @abstractmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Corrector:
        """Learn from these profiles. Raises InputError where they lack what is needed."""

    @abstractmethod
    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        """Corrected profiles; the ones given are not changed. Raises InputError at a group that it has not met."""

    def extended(self, _: anndata.AnnData, /) -> Self:
        """The same corrector, which has also met the groups (plates, batches) of these profiles.

        What is a group's own (its centre, its shift) is learned from its own rows; what all share stays as it was fitted.
        """
        return self

    def met(self) -> tuple[str, ...]:
        """The groups that have been met; empty for a corrector without any."""
        return ()


def with_values(profiles: anndata.AnnData, values: npt.NDArray[np.floating], /) -> anndata.AnnData:
    """The same rows and features with other values."""
    held = values.astype(np.float32, copy=False)
    return anndata.AnnData(X=held, obs=profiles.obs.copy(), var=profiles.var.copy(), uns=dict(profiles.uns))


def finite(profiles: anndata.AnnData, /, *, task: str) -> npt.NDArray[np.float32]:
    """`X` as it is, not a copy; refused where it holds missing or infinite values."""
    values = tables.dense(profiles)
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values).all(axis=0)
        first = profiles.var_names[int(np.flatnonzero(bad)[0])]
        raise InputError(
            f"{task}: {int(bad.sum())} features hold missing or infinite values (first: {first}); put --method select before it"
        )
    return values


def finite_values(profiles: anndata.AnnData, /, *, task: str) -> Array:
    """`X` as float64, refused where it holds missing or infinite values."""
    return finite(profiles, task=task).astype(np.float64)


def each(profiles: anndata.AnnData, by: str | None, /, *, task: str) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    """The rows of each plate, batch or source, in order of name; all rows as one where `by` is None."""
    if by is None:
        yield "", np.arange(profiles.n_obs)
        return
    tables.require(profiles, by, task=task)
    codes, names = pd.factorize(profiles.obs[by].astype(str), sort=True)
    order = np.argsort(codes, kind="stable")
    for name, rows in zip(names, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True):
        yield str(name), rows


def unmet(
    learned: Mapping[str, object], profiles: anndata.AnnData, by: str | None, /, *, task: str
) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    """The groups of `each` that nothing was learned of yet."""
    return ((group, rows) for group, rows in each(profiles, by, task=task) if group not in learned)


def of_group(learned: Mapping[str, T], group: str, /, *, task: str, by: str | None) -> T:
    """What was learned of a group. Raises InputError where the group was not there when the corrector was fitted."""
    if group not in learned:
        raise InputError(f"{task} was fitted on {', '.join(learned)}, not on {group!r}; fit it on the new {by} too")
    return learned[group]


def refuse_confounded(profiles: anndata.AnnData, by: str | None, /, *, task: str, confounded: bool) -> None:
    """Raise InputError where a group shares no perturbation or control with the others: its biology would be taken for its batch."""
    if confounded or by is None or schema.PERTURBATION not in profiles.obs:
        return
    places = pd.DataFrame({"what": profiles.obs[schema.PERTURBATION].astype(str), "group": profiles.obs[by].astype(str)}).drop_duplicates()
    linked = set(places.loc[places["what"].duplicated(keep=False), "group"])
    names = sorted(set(places["group"]))
    for name in names if len(names) > 1 else ():
        if name not in linked:
            raise InputError(
                f"{task}: {by} {name!r} shares no perturbation or control with the others, so its biology cannot be told from its "
                "batch; add shared controls, or use --set confounded=true"
            )


def reference(
    profiles: anndata.AnnData, rows: npt.NDArray[np.intp], /, *, on: str, group: str, task: str, least: int = 2
) -> npt.NDArray[np.intp]:
    """The rows a statistic is taken over: the negative controls among `rows`, or all of them (`on="all"`).

    Raises InputError where there are fewer than `least`.
    """
    if on == "all":
        return rows
    schema.one_of(on, ("controls", "all"), what="reference")
    tables.require(profiles, schema.CONTROL_TYPE, task=task)
    controls = rows[(profiles.obs[schema.CONTROL_TYPE].iloc[rows].astype(str) == schema.NEGCON).to_numpy()]
    if len(controls) < least:
        place = f" of {group}" if group else ""
        found = f"the {len(rows)} rows{place} hold {len(controls)} negative controls"
        raise InputError(f"{task}: {found}, at least {least} are needed; use --set on=all, or mark them")
    return controls
