"""Replicate detection as copairs 0.5 computes it (Kalinin et al. 2025), for comparison with published figures; number for number.

Two things differ from ours. Rankings: similarities are float32, sorted by 1 - similarity, and a positive that ties with a negative goes
first. The null of p-values is the mean of random rankings, strictly above the observed mean. Queries with as many positives and negatives
share one ranking; others have independent ones.

Queries of one perturbation share their positives. So that null is too narrow where controls are unequal in number, and too wide where they
are not. Use it to compare, not to decide (see `permutation`).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema
from impasto.evaluation import random_rankings
from impasto.evaluation.layout import Layout, Rows, positives_of
from impasto.schema import one_of

NullName = Literal["copairs", "order-statistics", "exact"]
NULLS = get_args(NullName)
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def average_precisions(values: Floats, where: Layout, /) -> pd.DataFrame:
    """Average precision of every treated well against its plate's controls, as `replicates.average_precisions`.

    Parameters
    ----------
    values
        (n, width) rows as they are, of any length.
    where
        The layout of the n wells.

    Returns
    -------
    pd.DataFrame
        One row a query: row, perturbation, average_precision, chance, positives, negatives.

    """
    unit = values / np.linalg.norm(values, axis=1)[:, np.newaxis]
    members = pd.Series(np.flatnonzero(where.treated)).groupby(where.perturbation[where.treated]).apply(np.array)
    rows = []
    for query in np.flatnonzero(where.treated):
        positives = positives_of(members[where.perturbation[query]], int(query), where)
        negatives = where.controls[where.plate[query]]
        p, q = len(positives), len(negatives)
        if not (p and q):
            continue
        # The sum of products, not a matrix product: the same roundings as theirs.
        near = np.sort(1 - np.sum(unit[query] * unit[positives], axis=1))
        other = np.sort(1 - np.sum(unit[query] * unit[negatives], axis=1))
        # Their sum over the whole ranking, in their order: the p-value compares for strict equality, where the last bit counts.
        right = np.zeros(p + q)
        right[np.arange(p) + np.searchsorted(other, near, side="left")] = 1
        precision = float(np.add.reduceat(right.cumsum() / np.arange(1, p + q + 1) * right, [0])[0] / p)
        rows.append((int(query), where.perturbation[query], precision, ranking.chance_average_precision(p, q), p, q))
    return pd.DataFrame(rows, columns=["row", schema.PERTURBATION, "average_precision", "chance", "positives", "negatives"])


def p_values(detail: pd.DataFrame, /, *, draws: int, seed: int, null: NullName = "copairs") -> pd.Series:
    """The p-value of each perturbation.

    A ranking's null depends on its numbers of positives and negatives only, and a perturbation's on those of its queries. So there is one
    null a combination, sorted once.

    Parameters
    ----------
    detail
        One row a query, as `average_precisions` gives them.
    draws
        Random rankings of each null.
    seed
        Of the random rankings.
    null
        `copairs` draws as that package does. `order-statistics` draws the places of the positives only, so its cost does not grow with
        the number of negatives: the same distribution, other draws. `exact` draws nothing (`random_rankings`).

    Returns
    -------
    pd.Series
        Perturbation -> p. Of drawn nulls, p is (1 + #{null > observed}) / (1 + draws); of `exact`, P(null >= observed), ties counted.

    """
    one_of(null, NULLS, what="null")
    if null == "exact":
        return _exact(detail)
    shapes = np.stack([detail["positives"], detail["positives"] + detail["negatives"]], axis=1)
    distinct, which = np.unique(shapes, axis=0, return_inverse=True)
    seeds = np.random.default_rng(seed).integers(8096, size=len(distinct))
    draw = _random if null == "copairs" else random_precisions
    nulls = np.stack([draw(draws, int(p), int(total), int(s)) for (p, total), s in zip(distinct, seeds, strict=True)])
    grouped = detail.reset_index(drop=True).groupby(schema.PERTURBATION, sort=True)
    observed = grouped["average_precision"].mean()
    # Compared in float32, as theirs are: an observed mean that is one of the null's is a tie, and ties do not count; where the null
    # is not theirs to the last bit, what differs by rounding only is a tie too.
    values, members = observed.to_numpy(dtype=np.float32) + np.float32(0 if null == "copairs" else 1e-6), grouped.indices
    ordered: dict[bytes, Floats] = {}
    above = np.empty(len(values), dtype=np.intp)
    for number, name in enumerate(observed.index):
        shape = which.ravel()[members[name]]
        key = (shape if null == "copairs" else np.sort(shape)).tobytes()
        if key not in ordered:
            ordered[key] = np.sort(nulls[shape].mean(axis=0) if null == "copairs" else _mean(nulls, shape))
        above[number] = draws - np.searchsorted(ordered[key], values[number], side="right")
    return pd.Series((above + 1) / (draws + 1), index=observed.index, dtype=float)


def _exact(detail: pd.DataFrame) -> pd.Series:
    """Perturbation -> P(mean of random rankings >= observed mean): once for all perturbations of one combination of rankings."""
    codes, names = pd.factorize(detail[schema.PERTURBATION], sort=True)
    positives, negatives = detail["positives"].to_numpy(), detail["negatives"].to_numpy()
    base = int(negatives.max()) + 1
    shapes, which = np.unique(positives * base + negatives, return_inverse=True)
    shape = np.stack([shapes // base, shapes // base + shapes % base], axis=1)
    observed = np.bincount(codes, weights=detail["average_precision"]) / np.bincount(codes)
    times = np.bincount(codes * len(shape) + which, minlength=len(names) * len(shape)).reshape(len(names), -1)
    combinations, of_name = np.unique(times, axis=0, return_inverse=True)
    tails = np.empty(len(names))
    for number, many in enumerate(combinations):
        same, held = of_name.ravel() == number, many > 0
        tails[same] = random_rankings.upper_tail(observed[same], shape[held], many[held] / many.sum())
    return pd.Series(tails, index=pd.Index(names, name=schema.PERTURBATION))


def _mean(nulls: Floats, shape: Rows) -> Floats:
    """The mean of the nulls of a perturbation's queries (draws,), each distinct one read once."""
    distinct, times = np.unique(shape, return_counts=True)
    return (times / len(shape)).astype(np.float32) @ nulls[distinct]


def random_precisions(draws: int, positives: int, total: int, seed: int) -> Floats:
    """Average precision of random rankings, from the places of their positives only.

    Floyd's sampling without replacement, all draws at once: the j-th positive takes a random place among the first total - p + j,
    or the last of them where that is taken (Bentley & Floyd 1987). Its rank among the positives is a count of those before it.

    Parameters
    ----------
    draws
        How many rankings.
    positives
        How many positives each has.
    total
        Positives and negatives together.
    seed
        Of the draws.

    Returns
    -------
    Floats
        (draws,) from 0 to 1.

    """
    if positives**2 > 8 * total:  # so many positives that it is cheaper to shuffle whole rankings
        return _random(draws, positives, total, seed)
    rng = np.random.default_rng(seed)
    places = np.empty((positives, draws), dtype=np.min_scalar_type(total - 1))
    wide = np.promote_types(places.dtype, np.uint16)  # drawn three times as fast as bytes
    for number in range(positives):
        last = total - positives + number
        place = rng.integers(0, last, size=draws, dtype=wide, endpoint=True).astype(places.dtype)
        places[number] = np.where((places[:number] == place).any(axis=0), last, place)
    precision = np.zeros(draws, dtype=np.float32)
    for place in places:
        up_to = np.add.reduce((places <= place).view(np.uint8), axis=0, dtype=np.min_scalar_type(positives))
        precision += up_to / (place + np.float32(1))
    return precision / np.float32(positives)


def _random(draws: int, positives: int, total: int, seed: int) -> Floats:
    """Average precision of random rankings (draws,): the same draws as theirs from the same seed."""
    rng = np.random.default_rng(seed)
    places = np.tile(np.arange(total, dtype=np.uint16 if total < 2**16 else np.uint32), (draws, 1))
    rng.permuted(places, axis=1, out=places)
    first = np.sort(places[:, :positives], axis=1)
    precision = np.divide(np.arange(1, positives + 1, dtype=np.float32), first + 1, dtype=np.float32)
    return np.asarray(precision.sum(axis=1) / positives, dtype=np.float32)
