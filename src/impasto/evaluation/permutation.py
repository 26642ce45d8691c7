"""A p-value for "this perturbation differs from the negative controls", valid whatever the layout.

Under the null hypothesis a treated well is just another negative control of its plate. So, jointly over all plates of a
perturbation, each treated well is exchanged with itself or one of its plate's controls, drawn at random. The mean average
precision is computed again: p = (1 + #{null >= observed}) / (1 + draws), ties counted. The draws respect that the queries of one
perturbation share their positives and that plates differ in their number of controls; nulls of independent random rankings do
neither. Wells are drawn in the order of their places, so that the order of a table's rows changes no p-value.

Every perturbation has draws of its own. With the same draws for all, the error of the draws would be the same for all, and would move
every number that counts small p-values.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.evaluation.layout import Layout, Rows, by_place
from impasto.statistics.permutation import ROUNDING, p_value

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Seed = int | Sequence[int]
_SHARED = 2**14
"""So many controls at most have all their similarities kept (1 GB), to be looked up for each perturbation."""


def p_values(vectors: Floats, where: Layout, names: Sequence[str], /, *, draws: int, seed: int) -> Numbers:
    """The p-value of each perturbation by the joint test, at the layout's own level.

    Parameters
    ----------
    vectors
        Unit rows (n, width).
    where
        Who stands where.
    names
        The perturbations.
    draws
        Size of each null.
    seed
        Of the draws.

    Returns
    -------
    Numbers
        (names,) NaN where no two wells of a perturbation may be compared.

    """
    p = np.full(len(names), np.nan)
    for number, similarity, _, pools, sides in _tested(vectors, where, names):
        p[number] = p_value(*null_scores(similarity, pools, draws=draws, seed=_own(seed, names[number]), apart=sides))
    return p


def p_values_without(vectors: Floats, where: Layout, names: Sequence[str], group: Rows, /, *, draws: int, seed: int) -> Numbers:
    """The same p-values without each group of controls, from the same draws: those in which no control of the group plays.

    Parameters
    ----------
    vectors, where, names, draws, seed
        As `p_values` takes them.
    group
        (n,) the group that each control leaves with, from 0; -1 for other rows.

    Returns
    -------
    Numbers
        (names, groups) NaN where p is, where a group is on none of a perturbation's plates, and where it holds all controls of one.

    """
    p = np.full((len(names), int(group.max(initial=-1)) + 1), np.nan)
    for number, similarity, members, pools, sides in _tested(vectors, where, names):
        beside, at = np.unique(group[members], return_inverse=True)  # -1, of the treated wells, comes first
        leaves = at.ravel() - 1
        own = _own(seed, names[number])
        observed, null, plays = _null_without(similarity, pools, leaves, len(beside) - 1, draws=draws, seed=own, apart=sides)
        reached = ((null >= observed - ROUNDING) & ~plays).sum(axis=0)
        p[number, beside[1:]] = np.where(np.isfinite(observed), (1 + reached) / (1 + (~plays).sum(axis=0)), np.nan)
    return p


def _tested(
    vectors: Floats, where: Layout, names: Sequence[str]
) -> Iterator[tuple[int, Floats, Rows, list[tuple[int, int]], list[str] | None]]:
    """Of each perturbation that can be tested: its number, the cosines of its members, these, its pools and sides."""
    controls = np.concatenate([np.empty(0, dtype=np.intp), *where.controls.values()])
    place = np.full(len(vectors), -1)
    place[controls] = np.arange(len(controls))
    among = vectors[controls] @ vectors[controls].T if len(controls) <= _SHARED else None
    treated = by_place(where.asked, where.order)
    rows_of = {n: treated[rows] for n, rows in pd.Series(where.perturbation[treated]).groupby(where.perturbation[treated]).indices.items()}
    for number, name in enumerate(names):
        members, pools, sides = _pools(rows_of[name], where)
        if sum(t for t, _ in pools) < 2 or (where.apart is not None and len(set(sides)) < 2):
            continue
        yield number, _similarity(vectors, members, place, among), members, pools, None if where.apart is None else sides


def _own(seed: int, name: str) -> tuple[int, int]:
    """The seed of a perturbation, whatever others are tested beside it."""
    return seed, zlib.crc32(name.encode())


def _pools(own: Rows, where: Layout) -> tuple[Rows, list[tuple[int, int]], list[str]]:
    """By plate: the treated wells, then the plate's controls; how many of each; and the batch or source that is compared by."""
    members, pools, sides = [], [], []
    for plate in np.unique(where.plate[own]):
        here, controls = own[where.plate[own] == plate], where.controls[plate]
        if len(controls):
            members += [here, controls]
            pools.append((len(here), len(controls)))
            sides.append("" if where.apart is None else str(where.apart[here[0]]))
    return np.concatenate([np.empty(0, dtype=np.intp), *members]), pools, sides


def _similarity(vectors: Floats, members: Rows, place: Rows, among: Floats | None) -> Floats:
    """Cosines of all pairs of members (n, n); those of controls are looked up in `among`."""
    if among is None:
        return vectors[members] @ vectors[members].T
    similarity = among[np.ix_(place[members], place[members])]
    treated = np.flatnonzero(place[members] < 0)
    similarity[treated] = vectors[members[treated]] @ vectors[members].T
    similarity[:, treated] = similarity[treated].T
    return similarity


def null_scores(
    similarity: Floats, pools: Sequence[tuple[int, int]], /, *, draws: int, seed: Seed, apart: Sequence[str] | None = None
) -> tuple[float, Numbers]:
    """The observed mean average precision of one perturbation, and its null distribution.

    Parameters
    ----------
    similarity
        Cosines of all members (n, n), plate by plate: the treated wells of each, then its controls.
    pools
        One entry a plate: how many treated wells and how many controls.
    draws
        Size of the null sample.
    seed
        Of the draws.
    apart
        The batch (or source) of each plate, where positives must be of another one; else every other well of the perturbation is one.

    Returns
    -------
    tuple[float, Numbers]
        The observed one, and (draws,).

    """
    starts, players, plate = _players(pools, draws=draws, seed=seed)
    total, queries = np.zeros(draws + 1), 0
    for query, at, partners in _queries(plate, apart):
        rows = players[:, query]
        negatives = similarity[rows, starts[at] : starts[at + 1]]
        np.put_along_axis(negatives, players[:, plate == at] - starts[at], -np.inf, axis=1)
        total += _precision(similarity[rows[:, None], players[:, partners]], negatives)
        queries += 1
    means = total / max(queries, 1)
    return float(means[0]), means[1:]


def _players(pools: Sequence[tuple[int, int]], *, draws: int, seed: Seed) -> tuple[Rows, Rows, Rows]:
    """The first member of each plate; who plays each treated well, as a member (draws + 1, treated wells); and the plate of each."""
    rng = np.random.default_rng(seed)
    starts = np.cumsum([0, *(t + c for t, c in pools)])
    players = [start + _pick(t + c, t, draws=draws, rng=rng) for start, (t, c) in zip(starts[:-1], pools, strict=True)]
    return starts, np.concatenate(players, axis=1), np.repeat(np.arange(len(pools)), [t for t, _ in pools])


def _queries(plate: Rows, apart: Sequence[str] | None) -> Iterator[tuple[int, int, npt.NDArray[np.bool_]]]:
    """Of each treated well that has a positive: its number, its plate, and which of the others are positives."""
    side = plate if apart is None else np.unique(apart, return_inverse=True)[1][plate]
    for query, at in enumerate(plate):
        partners = np.arange(len(plate)) != query if apart is None else side != side[query]
        if partners.any():
            yield query, int(at), partners


def _null_without(
    similarity: Floats,
    pools: Sequence[tuple[int, int]],
    group: Rows,
    groups: int,
    /,
    *,
    draws: int,
    seed: Seed,
    apart: Sequence[str] | None,
) -> tuple[Numbers, Numbers, npt.NDArray[np.bool_]]:
    """The observed mean average precision (groups,) and the null (draws, groups) without each group, and in which draws one of it plays."""
    starts, players, plate = _players(pools, draws=draws, seed=seed)
    total, queries = np.zeros((draws + 1, groups)), 0
    for query, at, partners in _queries(plate, apart):
        here = slice(starts[at], starts[at + 1])
        negatives = similarity[players[:, query], here]
        np.put_along_axis(negatives, players[:, plate == at] - starts[at], -np.inf, axis=1)
        positives = similarity[players[:, query][:, None], players[:, partners]]
        queries += 1
        whole, own = _precision_without(positives, negatives, group[here], groups)
        total += whole[:, None]
        for number, precision in own.items():
            total[:, number] += precision - whole
    plays = np.zeros((draws, groups), dtype=bool)
    of_player = group[players[1:]]
    draw, column = np.nonzero(of_player >= 0)
    plays[draw, of_player[draw, column]] = True
    means = total / max(queries, 1)
    return means[0], means[1:], plays


def _precision_without(positives: Floats, negatives: Floats, group: Rows, groups: int) -> tuple[Numbers, dict[int, Numbers]]:
    """The average precision of every draw among all negatives, and without each group of them that is here."""
    ordered = np.ascontiguousarray(-np.sort(-positives, axis=1).T)
    lines, reached = np.ascontiguousarray(negatives.T), np.arange(1, positives.shape[1] + 1)[:, None]
    twice = {int(number): np.zeros(ordered.shape) for number in np.unique(group)}
    for number, line in zip(group, lines, strict=True):
        twice[int(number)] += (line > ordered).astype(np.float64) + (line >= ordered)
    whole = sum(twice.values(), start=np.zeros(ordered.shape))

    def precision(counted: Numbers) -> Numbers:
        return np.asarray((reached / (reached + counted / 2)).mean(axis=0))

    several = len([number for number in twice if 0 <= number < groups]) > 1
    without = {n: precision(whole - own) if several else np.full(len(positives), np.nan) for n, own in twice.items() if n >= 0}
    return precision(whole), without


def _pick(size: int, treated: int, *, draws: int, rng: np.random.Generator) -> Rows:
    """Which `treated` members of a pool play the treated wells (draws + 1, treated); the first row is the truth."""
    chosen = np.empty((draws + 1, treated), dtype=np.intp)
    chosen[0] = np.arange(treated)
    if treated == 1:
        chosen[1:, 0] = rng.integers(0, size, draws)
    else:
        chosen[1:] = np.argsort(rng.random((draws, size)), axis=1)[:, :treated]
    return chosen


def _precision(positives: Floats, negatives: Floats) -> Numbers:
    """Average precision of every draw (draws, p) among (draws, q), ties averaged, by counting the negatives at or above each positive.

    Draws lie side by side, so that each comparison is one of long lines.
    """
    ordered = np.ascontiguousarray(-np.sort(-positives, axis=1).T)
    twice = np.zeros(ordered.shape, dtype=np.min_scalar_type(2 * negatives.shape[1]))
    for negative in np.ascontiguousarray(negatives.T):
        twice += negative > ordered
        twice += negative >= ordered
    reached = np.arange(1, len(ordered) + 1)[:, None]
    return np.asarray((reached / (reached + twice / 2)).mean(axis=0))
