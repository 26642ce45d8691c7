"""Silhouettes, exact and in linear time for cosine: s = (b - a) / max(a, b); Rousseeuw 1987.

a is the mean distance of a row to the others of its cluster, b the smallest mean distance to another cluster. The mean cosine
distance of a unit row u to a cluster is 1 - u . (mean of its unit rows): no distance between two rows is ever formed. Euclidean
distances are formed in blocks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from impasto import ranking

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]
METRICS = ("cosine", "euclidean")


def samples(values: Floats, codes: Codes, /, *, metric: str = "cosine") -> Numbers:
    """The silhouette (n,) of every row in clusters 0, 1, ...; 0 for a row alone in its cluster, NaN with one cluster only."""
    sizes = np.bincount(codes).astype(np.float64)
    if len(sizes) < 2:
        return np.full(len(values), np.nan)
    found = np.empty(len(values))
    values = ranking.unit(values) if metric == "cosine" else values
    member = np.zeros((len(values), len(sizes)), dtype=np.float64) if metric == "euclidean" else None
    if member is not None:
        member[np.arange(len(values)), codes] = 1
    sums = _sums(values, codes, len(sizes))
    step = max(1, ranking.BLOCK_BYTES // (8 * max(len(sizes), len(values) if metric == "euclidean" else 1)))
    for start in range(0, len(values), step):
        rows = slice(start, start + step)
        mine = values[rows].astype(np.float64)
        total = sizes - mine @ sums.T if member is None else _distances(mine, values) @ member
        found[rows] = _silhouette(total, codes[rows], sizes)
    return found


def _sums(values: Floats, codes: Codes, clusters: int) -> Numbers:
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(clusters))
    return np.asarray(np.add.reduceat(values[order].astype(np.float64), starts, axis=0))


def _distances(queries: Numbers, values: npt.NDArray[np.floating]) -> Numbers:
    others = values.astype(np.float64)
    square = (queries**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * queries @ others.T
    return np.sqrt(np.maximum(square, 0.0))


def _silhouette(total: Numbers, codes: Codes, sizes: Numbers) -> Numbers:
    """From the summed distance of each row to each cluster (rows, clusters)."""
    rows = np.arange(len(codes))
    mine = sizes[codes]
    own = total[rows, codes] / np.maximum(mine - 1, 1)
    means = total / sizes
    means[rows, codes] = np.inf
    other = means.min(axis=1)
    widest = np.maximum(own, other)
    found = np.divide(other - own, widest, out=np.zeros(len(codes)), where=widest > 0)
    return np.where(mine > 1, found, 0.0)


def of_batches(values: Floats, labels: Codes, batches: Codes, /, *, metric: str = "cosine") -> Numbers:
    """Of each label in two batches or more, the mean of 1 - |s| of its rows in batches (scib): 1 is fully mixed.

    Labels with as many batches as rows have no silhouette and are left out.
    """
    order = np.lexsort((batches, labels))
    order = order[np.searchsorted(labels[order], 0) :]
    # Sorted by label, then batch: a run of equal ones is a cluster, its code its number within the label.
    one, two = labels[order], batches[order]
    starts = np.flatnonzero(np.diff(one, prepend=-1))
    cluster = np.cumsum((np.diff(one, prepend=-1) != 0) | (np.diff(two, prepend=-1) != 0))
    ends = np.append(starts[1:], len(order))
    codes = cluster - np.repeat(cluster[starts], ends - starts)
    several = codes[ends - 1] + 1
    kept = np.flatnonzero((several > 1) & (several < ends - starts))
    vectors = (ranking.unit(values) if metric == "cosine" else values)[order]
    found = np.empty(len(kept))
    for number, label in enumerate(kept):
        mine, place = vectors[starts[label] : ends[label]].astype(np.float64), codes[starts[label] : ends[label]]
        member = np.eye(several[label])[place]
        sizes = member.sum(axis=0)
        total = sizes - mine @ (mine.T @ member) if metric == "cosine" else _distances(mine, mine) @ member
        found[number] = 1 - np.abs(_silhouette(total, place, sizes)).mean()
    return found
