"""Who stands where: the layout of a table of wells, and which wells are right answers to a query at a level of strictness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import InputError, one_of

Rows = npt.NDArray[np.intp]
LEVELS = {"any": None, "batch": schema.BATCH, "source": schema.SOURCE, "position": schema.WELL}
"""Level of strictness -> the column in which a query and its positives must differ."""


@dataclass(frozen=True)
class Layout:
    """Who stands where: everything about the wells but their profiles."""

    perturbation: npt.NDArray[np.str_]
    plate: npt.NDArray[np.str_]
    treated: npt.NDArray[np.bool_]
    controls: dict[str, Rows]
    apart: npt.NDArray[np.str_] | None
    """Values that must differ between a query and its positives, or None."""


def layout(obs: pd.DataFrame, *, level: str) -> Layout:
    """The layout of a table of wells at one level of strictness. Raises InputError where a needed column is missing."""
    one_of(level, LEVELS, what="level")
    column = LEVELS[level]
    needed = [schema.PERTURBATION, *([column] if column else [])]
    missing = [c for c in needed if c not in obs]
    if missing:
        raise InputError(f"replicates at level {level!r} need the column {missing[0]!r}; the profiles have {schema.listed(obs.columns)}")
    plate = obs[schema.PLATE].astype(str).to_numpy() if schema.PLATE in obs else np.full(len(obs), "")
    control = obs[schema.CONTROL_TYPE].astype(str).to_numpy() if schema.CONTROL_TYPE in obs else np.full(len(obs), schema.TRT)
    unseen = obs[schema.SPARED].to_numpy(dtype=bool) if schema.SPARED in obs else np.ones(len(obs), dtype=bool)
    negative = np.flatnonzero((control == schema.NEGCON) & unseen)
    return Layout(
        perturbation=obs[schema.PERTURBATION].astype(str).to_numpy(),
        plate=plate,
        treated=~np.isin(control, [schema.NEGCON, schema.EMPTY]),
        controls={p: negative[plate[negative] == p] for p in np.unique(plate)},
        apart=obs[column].astype(str).to_numpy() if column else None,
    )


def positives_of(members: Rows, query: int, where: Layout, /) -> Rows:
    """The members of a query's perturbation that are right answers: never the query, and apart from it where the level asks."""
    others = members[members != query]
    return others if where.apart is None else others[where.apart[others] != where.apart[query]]


@dataclass(frozen=True)
class Together:
    """Pairs of treated wells of one perturbation: queries, each with every well of its perturbation (itself too), and their cosine."""

    query: Rows
    partner: Rows
    similarity: npt.NDArray[np.float32]

    def are_right(self, where: Layout, /) -> npt.NDArray[np.bool_]:
        """Which partners are right answers: never the query, and apart from it where the level asks."""
        others = self.query != self.partner
        return others if where.apart is None else others & (where.apart[self.query] != where.apart[self.partner])

    def by_plate(self, plate: npt.NDArray[np.str_], /) -> Iterator[tuple[str, Together]]:
        """The pairs of the queries of each plate."""
        codes, names = pd.factorize(plate)
        mine = codes[self.query]
        order = np.argsort(mine, kind="stable")
        ends = np.searchsorted(mine[order], np.arange(len(names) + 1))
        for name, start, end in zip(names, ends[:-1], ends[1:], strict=True):
            if end > start:
                rows = order[start:end]
                yield str(name), Together(self.query[rows], self.partner[rows], self.similarity[rows])


def together(vectors: npt.NDArray[np.float32], where: Layout, /, *, limit: int = 2**22) -> Iterator[Together]:
    """All pairs of treated wells of one perturbation, in parts of about `limit` pairs (a perturbation may be every well)."""
    wells = np.flatnonzero(where.treated)
    codes = pd.factorize(where.perturbation[wells])[0]
    order = np.argsort(codes, kind="stable")
    wells, codes = wells[order], codes[order]
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    part = np.cumsum(sizes[codes]) // limit
    for first, last in zip(*_runs(part), strict=True):
        mine = codes[first:last]
        many = sizes[mine]
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        products = [
            (vectors[wells[first + a : first + b]] @ vectors[wells[starts[mine[a]] : starts[mine[a]] + sizes[mine[a]]]].T).ravel()
            for a, b in zip(*_runs(mine), strict=True)
        ]
        yield Together(np.repeat(wells[first:last], many), wells[np.repeat(starts[mine], many) + within], np.concatenate(products))


def _runs(values: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Where each run of equal values starts and ends."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    return np.concatenate([[0], edges])[: len(values)].astype(np.intp), np.concatenate([edges, [len(values)]])[: len(values)].astype(
        np.intp
    )
