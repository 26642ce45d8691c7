"""Replicate detection as copairs 0.5 computes it (Kalinin et al. 2025), for comparison with published figures; number for number.

Two things differ from ours. Rankings: similarities are float32, sorted by 1 - similarity, and a positive that ties with a negative
goes first. p-values: the null is the mean of *independent* random rankings, one a query, strictly above the observed mean. Queries
of one perturbation share their positives, so that null is too narrow where controls are unequal in number and too wide where they
are not; use it to compare, not to decide (see `permutation`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema
from impasto.evaluation.layout import Layout, positives_of

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def average_precisions(values: Floats, where: Layout, /) -> pd.DataFrame:
    """One row a query, as `replicates.average_precisions` against the plate's controls. `values` are rows as they are (n, width)."""
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


def p_values(detail: pd.DataFrame, /, *, draws: int, seed: int) -> pd.Series:
    """Perturbation -> p, from one row a query."""
    shapes = np.stack([detail["positives"], detail["positives"] + detail["negatives"]], axis=1)
    distinct, which = np.unique(shapes, axis=0, return_inverse=True)
    seeds = np.random.default_rng(seed).integers(8096, size=len(distinct))
    null = np.stack([_random(draws, int(p), int(total), int(s)) for (p, total), s in zip(distinct, seeds, strict=True)])
    grouped = detail.reset_index(drop=True).groupby(schema.PERTURBATION, sort=True)
    observed = grouped["average_precision"].mean()
    found = {}
    for name, rows in grouped.groups.items():
        # Compared in float32, as theirs are: an observed mean that is one of the null's is a tie, and ties do not count.
        above = null[which.ravel()[rows.to_numpy()]].mean(axis=0) > np.float32(observed[name])
        found[name] = (int(above.sum()) + 1) / (draws + 1)
    return pd.Series(found, dtype=float)


def _random(draws: int, positives: int, total: int, seed: int) -> Floats:
    """Average precision of random rankings (draws,): the same draws as theirs from the same seed."""
    rng = np.random.default_rng(seed)
    places = np.tile(np.arange(total, dtype=np.uint16 if total < 2**16 else np.uint32), (draws, 1))
    rng.permuted(places, axis=1, out=places)
    first = np.sort(places[:, :positives], axis=1)
    precision = np.divide(np.arange(1, positives + 1, dtype=np.float32), first + 1, dtype=np.float32)
    return np.asarray(precision.sum(axis=1) / positives, dtype=np.float32)
