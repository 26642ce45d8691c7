"""Bags: the profiles of one perturbation together, padded to a common size, with a mask.

Lu et al., CellCLIP, section 3.1: one pooled profile of a perturbation is paired with one text. The word `perturbation` means replicates
(`wells.replicates`): a perturbation at one dose, under the name that the user gave. Unknown wells are in no bag.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.schema import InputError

Rows = npt.NDArray[np.intp]


def groups(obs: pd.DataFrame, *, by: Sequence[str]) -> dict[str, Rows]:
    """The rows of each group.

    A row is in no group where one of the columns says nothing, or where `by` has the perturbation and the well is unknown.

    Parameters
    ----------
    obs
        Annotation of n rows.
    by
        Columns. `perturbation` groups replicates, dose included; a plate is one plate of one batch of one source.

    Returns
    -------
    dict[str, Rows]
        Name of each group -> its rows, sorted by name; several columns are joined by `|`.

    Raises
    ------
    InputError
        Where a column is not there.

    """
    missing = [c for c in by if c not in obs]
    if missing:
        raise InputError(f"cannot group by {missing[0]!r}; the profiles have {schema.listed(obs.columns)}")
    first, *more = [_names(obs, column) for column in by]
    names = first.str.cat(more, sep="|")
    known = names.notna().to_numpy(dtype=bool)
    if schema.PERTURBATION in by:
        known = known & ~wells.unknown(obs)
    rows = np.flatnonzero(known)
    written = names.to_numpy(dtype=object)[rows].astype(str)
    order = np.argsort(written, kind="stable")
    distinct, starts = np.unique(written[order], return_index=True)
    return {str(n): rows[part] for n, part in zip(distinct, np.split(order, starts[1:]), strict=True)}


def _names(obs: pd.DataFrame, column: str) -> pd.Series:
    """What a column says of each row, missing where it says nothing."""
    if column == schema.PERTURBATION:
        return wells.replicates(obs).reset_index(drop=True)
    written = obs[column].astype("string").replace("", pd.NA).reset_index(drop=True)
    if column not in (schema.PLATE, schema.BATCH):
        return written
    codes, names = wells.groups(obs, column)
    return pd.Series(np.array(names, dtype=object)[codes], dtype="string").mask(written.isna())


def draw(members: Sequence[Rows], *, size: int | None, seed: Sequence[int]) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """One bag for each group. Padding repeats a group's first row under a False mask, so that it always points at real data.

    Parameters
    ----------
    members
        The rows of each group.
    size
        The most rows of a group, drawn without replacement; None: all.
    seed
        Of the draw, with the group's first row.

    Returns
    -------
    tuple[Rows, npt.NDArray[np.bool_]]
        Rows and mask, (groups, bag) each.

    """
    longest = max(map(len, members))
    width = longest if size is None else min(size, longest)
    rows = np.empty((len(members), width), dtype=np.intp)
    mask = np.zeros((len(members), width), dtype=bool)
    for number, of_group in enumerate(members):
        rng = np.random.default_rng([*seed, int(of_group[0])])
        taken = of_group if len(of_group) <= width else rng.permutation(of_group)[:width]
        rows[number] = of_group[0]
        rows[number, : len(taken)] = taken
        mask[number, : len(taken)] = True
    return rows, mask
