"""Bags: the profiles of one perturbation together, padded to a common size, with a mask.

Lu et al., CellCLIP, section 3.1: one pooled profile a perturbation stands against one text. Grouping by perturbation,
InChIKey, or any column; wells of one compound are then never negatives of each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles, schema
from impasto.schema import InputError

Rows = npt.NDArray[np.intp]


def groups(obs: pd.DataFrame, *, by: Sequence[str]) -> dict[str, Rows]:
    """Name of each group -> its rows, sorted by name. Several columns are joined by `|`.

    `perturbation` groups by `profiles.identity`: by InChIKey where there is one.
    """
    missing = [c for c in by if c not in obs]
    if missing:
        raise InputError(f"cannot group by {missing[0]!r}; the profiles have {schema.listed(obs.columns)}")
    first, *more = [(profiles.identity(obs) if c == schema.PERTURBATION else obs[c].astype("string")).fillna("") for c in by]
    names = first.str.cat(more, sep="|").to_numpy()
    order = np.argsort(names, kind="stable")
    distinct, starts = np.unique(names[order], return_index=True)
    return {str(n): rows for n, rows in zip(distinct, np.split(order, starts[1:]), strict=True)}


def draw(members: Sequence[Rows], *, size: int | None, seed: Sequence[int]) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """One bag a group: rows (groups, bag) and mask (groups, bag).

    With `size`, at most that many rows of a group are drawn, without replacement: a function of the seed only. Padding
    repeats a group's first row under a False mask, so that it always points at real data.
    """
    longest = max(map(len, members))
    width = longest if size is None else min(size, longest)
    rows = np.empty((len(members), width), dtype=np.intp)
    mask = np.zeros((len(members), width), dtype=bool)
    for number, mine in enumerate(members):
        rng = np.random.default_rng([*seed, int(mine[0])])
        taken = mine if len(mine) <= width else rng.permutation(mine)[:width]
        rows[number] = mine[0]
        rows[number, : len(taken)] = taken
        mask[number, : len(taken)] = True
    return rows, mask
