"""Who stands where: the layout of a table of wells, and which wells are right answers to a query at a level of strictness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.evaluation import samples
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
        Plate -> rows of the negative controls that may judge, in the order of their places.
    apart
        (n,) codes that must differ between a query and its positives, or None.
    order
        (n,) the rank of each row by what tells it from the others. What is drawn is drawn in this order, whatever that of the table.
    drawn
        (n,) the treated wells that are queries and positives, where these are not all; the others are negatives only. None for all.

    """

    perturbation: npt.NDArray[np.str_]
    compound: Rows
    plate: npt.NDArray[np.str_]
    treated: npt.NDArray[np.bool_]
    controls: dict[str, Rows]
    apart: Rows | None
    order: Rows
    drawn: npt.NDArray[np.bool_] | None = field(default=None)

    @property
    def asked(self) -> npt.NDArray[np.bool_]:
        """(n,) the wells that are queries and positives."""
        return self.treated if self.drawn is None else self.treated & self.drawn

    @cached_property
    def treated_on(self) -> dict[str, Rows]:
        """Plate -> rows of its treated wells, in the order of their places."""
        return parted(by_place(self.treated, self.order), self.plate)

    def negatives(self, plate: str, /, *, others: bool) -> Rows:
        """The wells that a query is ranked among, before those of its own compound are left out.

        Parameters
        ----------
        plate
            The plate of the query; `""` for all plates.
        others
            Whether they are treated wells, instead of control wells.

        Returns
        -------
        Rows
            Their places.

        """
        if not others:
            return self.controls[plate]
        return self.treated_on.get(plate, np.empty(0, dtype=np.intp)) if plate else np.flatnonzero(self.treated)


def by_place(chosen: npt.NDArray[np.bool_], order: Rows, /) -> Rows:
    """The chosen rows in the order of their places.

    Parameters
    ----------
    chosen
        (n,) which rows.
    order
        (n,) the rank of each row (`wells.ranks`).

    Returns
    -------
    Rows
        The same rows, whatever the order of the table.

    """
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(order[rows], kind="stable")]


def parted(rows: Rows, codes: npt.NDArray[Any], /) -> dict[Any, Rows]:
    """Rows by what they share, in one pass over them.

    Parameters
    ----------
    rows
        (m,) places.
    codes
        (n,) what each of all rows is of: names or codes of plates.

    Returns
    -------
    dict
        Name or code -> rows, in the order given; names in sorted order.

    """
    own = codes[rows]
    order = np.argsort(own, kind="stable")
    names, starts = np.unique(own[order], return_index=True)
    return dict(zip(names.tolist(), np.split(rows[order], starts[1:]), strict=True)) if len(rows) else {}


def layout(
    obs: pd.DataFrame, /, *, level: Level, pool_doses: bool = False, labels: pd.Series | None = None, exact: bool = False, seed: int = 0
) -> Layout:
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
    exact
        Whether all wells of a perturbation are queries and positives, however many; else `samples.MOST_REPLICATES` of them are drawn.
    seed
        Of the draw.

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
    order = wells.ranks(obs)
    negative = parted(by_place(wells.unseen_negative(obs), order), plate)
    treated = wells.treated(obs) & names.notna().to_numpy(dtype=bool)
    return Layout(
        perturbation=names.fillna("").to_numpy(dtype=str),
        compound=pd.factorize(compounds)[0].astype(np.intp),
        plate=plate,
        treated=treated,
        controls={name: negative.get(name, np.empty(0, dtype=np.intp)) for name in plates},
        apart=_apart(obs, column),
        order=order,
        drawn=None if exact else _drawn(names.where(treated), order, seed=seed),
    )


def _drawn(names: pd.Series, order: Rows, *, seed: int) -> npt.NDArray[np.bool_] | None:
    """The wells that take part where a perturbation has more than are asked; None where none has."""
    codes = pd.factorize(names, sort=True)[0].astype(np.intp)
    if not len(codes) or np.bincount(codes[codes >= 0], minlength=1).max() <= samples.MOST_REPLICATES:
        return None
    rows = np.argsort(order)
    drawn = np.empty(len(codes), dtype=bool)
    drawn[rows] = samples.of_each(codes[rows], most=samples.MOST_REPLICATES, seed=seed)
    return drawn


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
        right = right if where.drawn is None else right & where.drawn[self.partner]
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
    """All pairs of a query and a treated well of its compound, in parts.

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
    asked = where.asked[rows]
    queries, of_query = rows[asked], codes[asked]
    part = np.cumsum(sizes[of_query]) // limit
    for first, last in zip(*_runs(part), strict=True):
        here = of_query[first:last]
        many = sizes[here]
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        products = [
            (vectors[queries[first + a : first + b]] @ vectors[rows[starts[here[a]] : starts[here[a]] + sizes[here[a]]]].T).ravel()
            for a, b in zip(*_runs(here), strict=True)
        ]
        yield Together(np.repeat(queries[first:last], many), rows[np.repeat(starts[here], many) + within], np.concatenate(products))


def _runs(values: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Where each run of equal values starts and ends."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts, ends = np.concatenate([[0], edges])[: len(values)], np.concatenate([edges, [len(values)]])[: len(values)]
    return starts.astype(np.intp), ends.astype(np.intp)
