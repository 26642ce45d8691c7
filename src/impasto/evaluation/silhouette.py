"""Silhouettes, exact and in linear time for cosine: s = (b - a) / max(a, b); Rousseeuw 1987.

a is the mean distance of a row to the others of its cluster, b the smallest mean distance to another cluster. The mean cosine
distance of a unit row u to a cluster is 1 - u . (mean of its unit rows): no distance between two rows is ever formed. Euclidean
distances are formed in blocks.

Our own and not scikit-learn's `silhouette_samples`, which forms the distances of all pairs (for cosine too) and takes one set of
clusters a call: here batches are clusters within each of hundreds of labels. The numbers are the same; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from impasto import ranking

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]
Metric = Literal["cosine", "euclidean"]
METRICS = get_args(Metric)
_TOGETHER = 2**13
"""So many rows about have their labels finished at once."""


def samples(values: Floats, codes: Codes, /, *, metric: Metric = "cosine") -> Numbers:
    """The silhouette of each row.

    Parameters
    ----------
    values
        (n, width).
    codes
        (n,) clusters 0, 1, ...
    metric
        `cosine` or `euclidean`.

    Returns
    -------
    Numbers
        (n,) 0 for a row alone in its cluster, NaN with one cluster only.

    """
    sizes = np.bincount(codes).astype(np.float64)
    if len(sizes) < 2:
        return np.full(len(values), np.nan)
    blocks = (_silhouette(total, codes[rows], sizes) for rows, total in _totals(values, codes, sizes, metric=metric))
    return np.concatenate([np.empty(0), *blocks])


def summed(values: Floats, codes: Codes, /, *, metric: Metric = "cosine") -> Numbers:
    """The summed distance of each row to the rows of each cluster, from which clusters can be left out.

    Parameters
    ----------
    values
        (n, width).
    codes
        (n,) clusters 0, 1, ...
    metric
        `cosine` or `euclidean`.

    Returns
    -------
    Numbers
        (n, clusters)

    """
    return np.concatenate([total for _, total in _totals(values, codes, np.bincount(codes).astype(np.float64), metric=metric)])


def without(total: Numbers, codes: Codes, gone: Codes, /) -> Numbers:
    """The silhouettes of the rows that stay where some clusters are left out.

    Parameters
    ----------
    total
        (n, clusters), of `summed`.
    codes
        (n,) the cluster of every row.
    gone
        The clusters that are left out.

    Returns
    -------
    Numbers
        (rows that stay,) in order; NaN where fewer than two clusters stay.

    """
    sizes = np.bincount(codes, minlength=total.shape[1]).astype(np.float64)
    sizes[gone] = 0
    stays = sizes[codes] > 0
    if (sizes > 0).sum() < 2:
        return np.full(int(stays.sum()), np.nan)
    return _silhouette(total[stays], codes[stays], sizes)


def _totals(values: Floats, codes: Codes, sizes: Numbers, *, metric: Metric) -> Iterator[tuple[slice, Numbers]]:
    values = ranking.unit(values) if metric == "cosine" else values
    member = np.zeros((len(values), len(sizes)), dtype=np.float64) if metric == "euclidean" else None
    if member is not None:
        member[np.arange(len(values)), codes] = 1
    sums = _sums(values, codes, len(sizes))
    step = max(1, ranking.BLOCK_BYTES // (8 * max(len(sizes), len(values) if metric == "euclidean" else 1)))
    for start in range(0, len(values), step):
        rows = slice(start, start + step)
        block = values[rows].astype(np.float64)
        yield rows, sizes - block @ sums.T if member is None else _distances(block, values) @ member


def _sums(values: Floats, codes: Codes, clusters: int) -> Numbers:
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(clusters))
    return np.asarray(np.add.reduceat(values[order].astype(np.float64), starts, axis=0))


def _distances(queries: Numbers, values: npt.NDArray[np.floating]) -> Numbers:
    others = values.astype(np.float64)
    square = (queries**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * queries @ others.T
    return np.sqrt(np.maximum(square, 0.0))


def _silhouette(total: Numbers, codes: Codes, sizes: Numbers) -> Numbers:
    """From the summed distance of each row to each cluster (rows, clusters), and the clusters' sizes: of all rows, or of each."""
    rows = np.arange(len(codes))
    sizes = np.broadcast_to(sizes, total.shape)
    own_size = sizes[rows, codes]
    own = total[rows, codes] / np.maximum(own_size - 1, 1)
    means = np.divide(total, sizes, out=np.full(total.shape, np.inf), where=sizes > 0)
    means[rows, codes] = np.inf
    other = means.min(axis=1)
    widest = np.maximum(own, other)
    silhouettes = np.divide(other - own, widest, out=np.zeros(len(codes)), where=widest > 0)
    return np.where(own_size > 1, silhouettes, 0.0)


def of_batches(values: Floats, labels: Codes, batches: Codes, /, *, metric: Metric = "cosine") -> Numbers:
    """Of each label in two batches or more, the mean of 1 - |s| of its rows in batches (scib): 1 is fully mixed.

    Labels with as many batches as rows have no silhouette and are left out.

    Parameters
    ----------
    values
        (n, width).
    labels
        (n,) codes from 0.
    batches
        (n,) codes from 0.
    metric
        `cosine` or `euclidean`.

    Returns
    -------
    Numbers
        (labels that have one,) in order.

    """
    order = np.lexsort((batches, labels))
    order = order[np.searchsorted(labels[order], 0) :]
    # Sorted by label, then batch: a run of equal ones is a cluster, its code its number within the label.
    one, two = labels[order], batches[order]
    new = np.diff(one, prepend=-1) != 0
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, len(order)))
    cluster = np.cumsum(new | (np.diff(two, prepend=-1) != 0))
    codes = cluster - np.repeat(cluster[starts], counts)
    several = np.maximum.reduceat(codes, starts) + 1 if len(codes) else codes
    usable = (several > 1) & (several < counts)
    rows, counts = np.repeat(usable, counts), counts[usable]
    order, codes, starts = order[rows], codes[rows], np.cumsum(counts) - counts
    mixed = np.empty(len(counts))
    for part in np.split(np.arange(len(counts)), np.flatnonzero(np.diff(starts // _TOGETHER)) + 1 if len(counts) else []):
        if len(part):
            here = slice(starts[part[0]], starts[part[-1]] + counts[part[-1]])
            mixed[part] = _mixed(values, order[here], codes[here], counts[part], metric=metric)
    return mixed


def _mixed(values: Floats, order: Codes, codes: Codes, counts: Codes, *, metric: Metric) -> Numbers:
    """The mean of 1 - |s| of each of some labels, whose rows lie one label after the other."""
    member = (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64)
    total, starts = np.empty_like(member), np.cumsum(counts) - counts
    for start, end in zip(starts, starts + counts, strict=True):
        rows = values[order[start:end]].astype(np.float64)
        total[start:end] = _summed(rows, member[start:end], metric=metric)
    sizes = np.repeat(np.add.reduceat(member, starts, axis=0), counts, axis=0)
    return np.asarray(np.add.reduceat(1 - np.abs(_silhouette(total, codes, sizes)), starts) / counts)


def _summed(rows: Numbers, member: Numbers, *, metric: Metric) -> Numbers:
    """The summed distance (n, clusters) of each row (n, width) to the rows of each cluster."""
    if metric == "euclidean":
        step = max(1, ranking.BLOCK_BYTES // (8 * len(rows)))
        return np.concatenate([_distances(rows[i : i + step], rows) @ member for i in range(0, len(rows), step)])
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    return np.asarray(member.sum(axis=0) - scale * (rows @ (rows.T @ (member * scale))))
