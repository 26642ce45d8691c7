"""A p-value for "this perturbation differs from the negative controls", valid whatever the layout.

Under the null hypothesis a treated well is just another negative control of its plate. So, jointly over all plates of a
perturbation, each treated well is exchanged with itself or one of its plate's controls, drawn at random. The mean average
precision is computed again: p = (1 + #{null >= observed}) / (1 + draws), ties counted. The draws respect that the queries of one
perturbation share their positives and that plates differ in their number of controls; nulls of independent random rankings do
neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.evaluation.layout import Layout, Rows
from impasto.statistics.permutation import p_value

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
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
    controls = np.concatenate([np.empty(0, dtype=np.intp), *where.controls.values()])
    place = np.full(len(vectors), -1)
    place[controls] = np.arange(len(controls))
    among = vectors[controls] @ vectors[controls].T if len(controls) <= _SHARED else None
    treated = np.flatnonzero(where.asked)
    rows_of = {n: treated[rows] for n, rows in pd.Series(where.perturbation[treated]).groupby(where.perturbation[treated]).indices.items()}
    p = np.full(len(names), np.nan)
    for number, name in enumerate(names):
        members, pools, sides = _pools(rows_of[name], where)
        if sum(t for t, _ in pools) < 2 or (where.apart is not None and len(set(sides)) < 2):
            continue
        similarity = _similarity(vectors, members, place, among)
        apart = None if where.apart is None else sides
        p[number] = p_value(*null_scores(similarity, pools, draws=draws, seed=seed, apart=apart))
    return p


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
    similarity: Floats, pools: Sequence[tuple[int, int]], /, *, draws: int, seed: int, apart: Sequence[str] | None = None
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
    rng = np.random.default_rng(seed)
    starts = np.cumsum([0, *(t + c for t, c in pools)])
    # Who plays each treated well, as a number of a member (draws + 1, treated wells).
    players = np.concatenate(
        [start + _pick(t + c, t, draws=draws, rng=rng) for start, (t, c) in zip(starts[:-1], pools, strict=True)], axis=1
    )
    plate = np.repeat(np.arange(len(pools)), [t for t, _ in pools])
    side = plate if apart is None else np.unique(apart, return_inverse=True)[1][plate]
    total, queries = np.zeros(draws + 1), 0
    for query, at in enumerate(plate):
        partners = np.arange(len(plate)) != query if apart is None else side != side[query]
        if not partners.any():
            continue
        rows = players[:, query]
        negatives = similarity[rows, starts[at] : starts[at + 1]]
        np.put_along_axis(negatives, players[:, plate == at] - starts[at], -np.inf, axis=1)
        total += _precision(similarity[rows[:, None], players[:, partners]], negatives)
        queries += 1
    means = total / max(queries, 1)
    return float(means[0]), means[1:]


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
