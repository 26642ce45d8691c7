"""Who stands where: the layout of a table of wells, and which wells are right answers to a query at a level of strictness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.schema import InputError, one_of

Rows = npt.NDArray[np.intp]
Level = Literal["any", "batch", "source", "position"]
LEVELS: dict[Level, str | None] = {"any": None, "batch": schema.BATCH, "source": schema.SOURCE, "position": schema.WELL}
"""Level of strictness -> the column in which a query and its positives must differ."""


@dataclass(frozen=True)
class Layout:
    """Everything about n wells but their profiles.

    Attributes
    ----------
    perturbation
        (n,) what makes wells replicates of each other; `""` where nobody said what was done.
    compound
        (n,) codes. Wells of one compound are never negatives of each other, whatever their dose or name.
    plate
        (n,) names of plates, by source, batch and plate.
    treated
        (n,) the wells that are queries and positives. A well without a perturbation never is.
    controls
        Plate -> rows of the negative controls that may judge.
    apart
        (n,) codes that must differ between a query and its positives, or None.

    """

    perturbation: npt.NDArray[np.str_]
    compound: Rows
    plate: npt.NDArray[np.str_]
    treated: npt.NDArray[np.bool_]
    controls: dict[str, Rows]
    apart: Rows | None


def layout(obs: pd.DataFrame, /, *, level: Level, pool_doses: bool = False, labels: pd.Series | None = None) -> Layout:
    """The layout of a table of wells at one level of strictness.

    Parameters
    ----------
    obs
        Annotation of n wells.
    level
        `any` other well of the perturbation is a right answer, or only those of another batch, source or position.
    pool_doses
        Whether all doses of a perturbation are one.
    labels
        (n,) what else makes wells replicates of each other, missing for none; the perturbation by default.

    Returns
    -------
    Layout
        The layout.

    Raises
    ------
    InputError
        Where a needed column is missing.

    """
    one_of(level, LEVELS, what="level")
    column = LEVELS[level]
    needed = [*([schema.PERTURBATION] if labels is None else []), *([column] if column else [])]
    missing = [c for c in needed if c not in obs]
    if missing:
        raise InputError(f"replicates at level {level!r} need the column {missing[0]!r}; the profiles have {schema.listed(obs.columns)}")
    names = wells.replicates(obs, pool_doses=pool_doses) if labels is None else labels.astype("string")
    compounds = wells.compounds(obs) if labels is None else names
    codes, plates = wells.plates(obs)
    plate = np.array(plates, dtype=str)[codes] if len(obs) else np.empty(0, dtype=str)
    negative = np.flatnonzero(wells.unseen_negative(obs))
    return Layout(
        perturbation=names.fillna("").to_numpy(dtype=str),
        compound=pd.factorize(compounds)[0].astype(np.intp),
        plate=plate,
        treated=wells.treated(obs) & names.notna().to_numpy(dtype=bool),
        controls={name: negative[plate[negative] == name] for name in plates},
        apart=_apart(obs, column),
    )


def _apart(obs: pd.DataFrame, column: str | None) -> Rows | None:
    if column is None:
        return None
    if column != schema.WELL:
        return wells.groups(obs, column)[0]
    row, place = wells.place(obs)
    return row * 1000 + place


def positives_of(members: Rows, query: int, where: Layout, /) -> Rows:
    """The members of a query's perturbation that are right answers.

    Parameters
    ----------
    members
        The rows of the perturbation.
    query
        The row of the query.
    where
        The layout.

    Returns
    -------
    Rows
        Members without the query, and apart from it where the level asks for that.

    """
    others = members[members != query]
    return others if where.apart is None else others[where.apart[others] != where.apart[query]]


@dataclass(frozen=True)
class Together:
    """Pairs of treated wells of one compound: queries, each with all wells of its compound (itself too), and their cosine.

    Attributes
    ----------
    query
        (pairs,) the row of the query.
    partner
        (pairs,) the row of the well that it is compared with.
    similarity
        (pairs,) their cosine.

    """

    query: Rows
    partner: Rows
    similarity: npt.NDArray[np.float32]

    def are_right(self, where: Layout, /) -> npt.NDArray[np.bool_]:
        """Which partners are right answers: replicates, never the query, and apart from it where the level asks for that.

        Parameters
        ----------
        where
            The layout.

        Returns
        -------
        npt.NDArray[np.bool_]
            (pairs,)

        """
        right = (self.query != self.partner) & (where.perturbation[self.query] == where.perturbation[self.partner])
        return right if where.apart is None else right & (where.apart[self.query] != where.apart[self.partner])

    def by_plate(self, plate: npt.NDArray[np.str_], /) -> Iterator[tuple[str, Together]]:
        """The pairs of the queries of each plate.

        Parameters
        ----------
        plate
            (n,) the plate of each row.

        Returns
        -------
        Iterator[tuple[str, Together]]
            The name of each plate with queries, and the pairs of these.

        """
        codes, names = pd.factorize(plate)
        of_pair = codes[self.query]
        order = np.argsort(of_pair, kind="stable")
        ends = np.searchsorted(of_pair[order], np.arange(len(names) + 1))
        for name, start, end in zip(names, ends[:-1], ends[1:], strict=True):
            if end > start:
                rows = order[start:end]
                yield str(name), Together(self.query[rows], self.partner[rows], self.similarity[rows])


def together(vectors: npt.NDArray[np.float32], where: Layout, /, *, limit: int = 2**22) -> Iterator[Together]:
    """All pairs of treated wells of one compound, in parts.

    Parameters
    ----------
    vectors
        Unit rows (n, width).
    where
        The layout.
    limit
        About how many pairs a part has; a compound may hold all wells.

    Returns
    -------
    Iterator[Together]
        The parts, in order of compounds.

    """
    rows = np.flatnonzero(where.treated)
    codes = pd.factorize(where.compound[rows])[0]
    order = np.argsort(codes, kind="stable")
    rows, codes = rows[order], codes[order]
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    part = np.cumsum(sizes[codes]) // limit
    for first, last in zip(*_runs(part), strict=True):
        here = codes[first:last]
        many = sizes[here]
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        products = [
            (vectors[rows[first + a : first + b]] @ vectors[rows[starts[here[a]] : starts[here[a]] + sizes[here[a]]]].T).ravel()
            for a, b in zip(*_runs(here), strict=True)
        ]
        yield Together(np.repeat(rows[first:last], many), rows[np.repeat(starts[here], many) + within], np.concatenate(products))


def _runs(values: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Where each run of equal values starts and ends."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts, ends = np.concatenate([[0], edges])[: len(values)], np.concatenate([edges, [len(values)]])[: len(values)]
    return starts.astype(np.intp), ends.astype(np.intp)
