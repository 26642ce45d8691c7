"""The k nearest neighbours of every row, exact, as a graph; and what its pieces say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from impasto import ranking
from impasto.evaluation.silhouette import Metric

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


def nearest(values: Floats, /, *, k: int, metric: Metric = "cosine", device: str | None = None, of: Indices | None = None) -> Indices:
    """The k nearest other rows by cosine or Euclidean distance. A row is never its own.

    Parameters
    ----------
    values
        (n, width).
    k
        Neighbours of a row; fewer in a smaller table.
    metric
        `cosine` or `euclidean`.
    device
        Where rows are compared.
    of
        (m,) the rows whose neighbours are sought; all by default.

    Returns
    -------
    Indices
        (n, k) or (m, k) places, nearest first.

    """
    k = min(k, len(values) - 1)
    if metric == "cosine":
        queries = candidates = ranking.unit(values)
    else:
        # |a - b|^2 = |a|^2 + |b|^2 - 2 a.b; of one query a, the order is that of 2 a.b - |b|^2: one more column.
        values = values - values.mean(axis=0)
        square = (values**2).sum(axis=1, keepdims=True)
        queries = np.concatenate([2 * values, np.ones_like(square)], axis=1)
        candidates = np.concatenate([values, -square], axis=1)
    asked = np.arange(len(values)) if of is None else of
    nearby, _ = ranking.top_k(queries if of is None else queries[of], candidates, k=k + 1, device=device)
    own = nearby == asked[:, None]
    # Among duplicates a row may not be the first of its own list, or not be in it at all: then the last one goes.
    own[~own.any(axis=1), -1] = True
    return nearby[~own].reshape(len(asked), k)


def wide(k: int, /) -> int:
    """How many neighbours are listed so that k are left where a group of rows is gone.

    Parameters
    ----------
    k
        Neighbours that are used.

    Returns
    -------
    int
        The length of the list.

    """
    return 2 * k + 10


def among(listed: Indices, keep: npt.NDArray[np.bool_], /, *, k: int) -> Indices | None:
    """The k nearest neighbours of the rows that stay, among those that stay, from a wider list.

    Parameters
    ----------
    listed
        (n, wide) nearest first.
    keep
        (n,) which rows stay.
    k
        Neighbours of a row.

    Returns
    -------
    Indices | None
        (rows that stay, k) renumbered. None where the list of some row is too short.

    """
    k = min(k, int(keep.sum()) - 1)
    lists = listed[keep]
    stays = keep[lists]
    chosen = stays & (np.cumsum(stays, axis=1) <= k)
    if k < 1 or (chosen.sum(axis=1) < k).any():
        return None
    number = np.cumsum(keep) - 1
    return np.asarray(number[lists[chosen]].reshape(len(lists), k))


def adjacency(neighbours: Indices, /) -> sparse.csr_matrix:
    """The directed graph of neighbours.

    Parameters
    ----------
    neighbours
        (n, k) places; those below 0 are of rows that are not in the graph.

    Returns
    -------
    sparse.csr_matrix
        (n, n) 1 where column is a neighbour of row.

    """
    n, known = len(neighbours), neighbours >= 0
    ends = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    return sparse.csr_matrix((np.ones(int(ends[-1]), dtype=np.float32), neighbours[known], ends), shape=(n, n))


def connectivity(neighbours: Indices, codes: Indices, /, *, strong: bool = False) -> npt.NDArray[np.float64]:
    """Of each label, the share of its rows in the largest component of the graph among them.

    Parameters
    ----------
    neighbours
        (n, k).
    codes
        (n,) labels 0, 1, ...; rows of code -1 belong to no label.
    strong
        Whether components are strongly connected ones of the directed graph (scib-metrics), or those of the symmetric graph (scib).

    Returns
    -------
    npt.NDArray[np.float64]
        (labels,)

    """
    graph = adjacency(neighbours)
    shares = np.empty(codes.max() + 1)
    for code in range(len(shares)):
        rows = np.flatnonzero(codes == code)
        among = graph[rows][:, rows]
        _, pieces = csgraph.connected_components(among, directed=True, connection="strong" if strong else "weak")
        shares[code] = np.bincount(pieces).max() / len(rows)
    return shares


def overlap(before: Indices, after: Indices, /) -> npt.NDArray[np.float64]:
    """Of each row, the share of its k neighbours that are the same in both; CellPainTR, Eq. 14.

    Parameters
    ----------
    before, after
        (n, k) places.

    Returns
    -------
    npt.NDArray[np.float64]
        (n,)

    """
    return np.array([len(np.intersect1d(a, b)) / len(a) for a, b in zip(before, after, strict=True)])


def communities(neighbours: Indices, /, *, resolution: float = 1.0, seed: int = 0) -> Indices:
    """A community of each row by the Louvain method on the symmetric graph (Blondel et al. 2008), seeded.

    Departure: the papers use Leiden, whose usual implementation is under the GPL; networkx's Louvain is BSD.

    Parameters
    ----------
    neighbours
        (n, k).
    resolution
        Large gives more and smaller communities.
    seed
        Of the method.

    Returns
    -------
    Indices
        (n,) codes from 0.

    """
    import networkx as nx

    both = adjacency(neighbours)
    graph = nx.from_scipy_sparse_array(both.maximum(both.T))
    groups = nx.community.louvain_communities(graph, resolution=resolution, seed=seed)
    codes = np.empty(len(neighbours), dtype=np.intp)
    for code, members in enumerate(groups):
        codes[list(members)] = code
    return codes
