"""Rankings: the one implementation of similarity in blocks, top-k, rank of match and average precision.

Exact, bounded in memory: a block of queries is compared with all candidates at a time, so memory is block x candidates, never
candidates squared. Ties are averaged, so that a constant embedding scores as chance and not by the order of the rows.

Our own and not scikit-learn's: `average_precision_score` takes one ranking a call and breaks ties by the order of the thresholds,
`NearestNeighbors` gives the nearest but no ranks. 9,216 wells x 1,000 features need less than 2 GB here; the tables of all pairs that
the usual implementations build need more than 14 GB. Tests compare the numbers with scikit-learn's and with plain loops.

Products run on BLAS's threads, sorting on as many of our own. `device` ("cuda", or "cpu" for the same path without one) has torch
form and sort the blocks instead; only then is torch imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.schema import InputError

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
BLOCK_BYTES = 64 * 2**20
THREADS = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def unit(values: npt.NDArray[np.floating], /) -> Floats:
    """Rows scaled to unit length.

    Parameters
    ----------
    values
        (n, width) rows.

    Returns
    -------
    ndarray of float32, shape (n, width)
        A row of zeros stays zero.

    """
    values = np.asarray(values, dtype=np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", values, values))[:, None]
    return np.divide(values, length, out=np.zeros_like(values), where=length > 0)


def similarity_blocks(
    queries: Floats, candidates: Floats, /, *, block_bytes: int = BLOCK_BYTES, device: str | None = None
) -> Iterator[tuple[slice, Floats]]:
    """Inner products of a block of queries with all candidates.

    Parameters
    ----------
    queries, candidates
        Rows (n, width) and (m, width), float32.
    block_bytes
        Largest size of one block of products, in bytes.
    device
        Where they are formed; see the module.

    Yields
    ------
    rows : slice
        The queries of the block.
    products : ndarray of float32, shape (block, m)
        Their inner products.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    held = _held(candidates, device)
    for rows in _slices(len(queries), 4 * len(candidates), block_bytes):
        product = _held(queries[rows], device) @ held.T
        yield rows, product if device is None else product.cpu().numpy()


def pair_blocks(vectors: Floats, /, *, block_bytes: int = BLOCK_BYTES // 8, device: str | None = None) -> Iterator[Floats]:
    """Inner products of all pairs i < j of rows, each once, a block of them at a time, in no order.

    Parameters
    ----------
    vectors
        Rows (n, width), float32.
    block_bytes
        Largest size of one block of products, in bytes.
    device
        Where they are formed; see the module.

    Yields
    ------
    ndarray of float32, shape (pairs,)
        The inner products of a block.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    for rows in _slices(len(vectors), 4 * len(vectors), block_bytes):
        ((_, product),) = similarity_blocks(vectors[rows], vectors[rows.start :], block_bytes=2**62, device=device)
        own = len(product)
        yield np.concatenate([product[:, :own][~np.tri(own, dtype=bool)], product[:, own:].ravel()])


def _slices(total: int, row_bytes: int, block_bytes: int) -> Iterator[slice]:
    step = max(1, block_bytes // max(1, row_bytes))
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


def _held(values: npt.NDArray[Any], device: str | None) -> Any:
    """The values where the products are formed: as they are, or as a tensor on a device."""
    if device is None:
        return values
    import torch

    try:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} cannot be used ({str(error).splitlines()[0]}); leave it out to run on the processor") from None


def rank_of_match(queries: Floats, candidates: Floats, matches: tuple[Rows, Rows], /, *, device: str | None = None) -> Numbers:
    """Rank (1 is best) of the best matching candidate of each query, ties averaged.

    Parameters
    ----------
    queries, candidates
        Unit rows (n, width) and (m, width).
    matches
        The right pairs: numbers of queries, ascending, and of candidates (k,) each.
    device
        Where they are compared; see the module.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN for a query without a match.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    ranks = np.full(len(queries), np.nan)
    for rows, similarity in similarity_blocks(queries, candidates, device=device):
        here = slice(*np.searchsorted(matches[0], [rows.start, rows.stop]))
        query, starts = np.unique(matches[0][here], return_index=True)
        if not len(query):
            continue
        right = similarity[matches[0][here] - rows.start, matches[1][here]]
        best = np.maximum.reduceat(right, starts)
        asked = similarity if len(query) == len(similarity) else similarity[query - rows.start]
        # No right one stands above the best right one, and of those that tie with it only wrong ones cost rank, each by a half.
        above = (asked > best[:, None]).sum(axis=1)
        ties = (asked == best[:, None]).sum(axis=1) - np.add.reduceat(
            right == np.repeat(best, np.diff([*starts, len(right)])), starts, dtype=int
        )
        ranks[query] = 1 + above + ties / 2
    return ranks


def average_precision(positives: npt.NDArray[np.floating], negatives: npt.NDArray[np.floating], /) -> float:
    """Average precision of one ranking, from the scores of its positives and negatives; ties are averaged.

    AP = (1/M) sum over positives of precision at their rank (Kalinin et al. 2025; Lu et al., CellCLIP, Eq. 12). Where a positive ties with
    negatives, its precision is that of the middle of the tie.

    Parameters
    ----------
    positives
        (p,) scores.
    negatives
        (q,) scores.

    Returns
    -------
    float
        0 to 1; NaN without positives.

    """
    return float(average_precisions(np.asarray(positives)[None], np.asarray(negatives)[None])[0])


def average_precisions(positives: npt.NDArray[np.floating], negatives: npt.NDArray[np.floating], /) -> Numbers:
    """Average precision of n rankings of one shape; ties are averaged.

    Parameters
    ----------
    positives
        (n, p) scores, compared as float32.
    negatives
        (n, q) scores, compared as float32.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1; NaN without positives.

    """
    keys = np.sort(_keys(np.repeat(np.arange(len(positives)), positives.shape[1]), np.asarray(positives, dtype=np.float32).ravel()))
    return _mean_precision(keys, _above(keys, np.array(negatives, dtype=np.float32)), len(positives))


def pool_average_precisions(
    queries: Floats, pool: Floats, rows: Rows, scores: Floats, /, *, left_out: tuple[Rows, Rows], device: str | None = None
) -> Numbers:
    """Average precision of queries that share a pool of negatives.

    Only the positives are ranked: the pool's similarities are sorted, and those above each positive are counted by halving.

    Parameters
    ----------
    queries, pool
        Unit rows (n, width) and (m, width).
    rows, scores
        (k,) each: the query that a positive is of, and its similarity to it.
    left_out
        Pairs (query, row of the pool; queries ascending) that are no negatives: the query itself, and its positives.
    device
        Where the pool is compared and sorted; see the module.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN for a query without positives.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    keys = np.sort(_keys(rows, scores))
    above = np.empty(len(keys))
    held = _held(pool, device)
    for block in _slices(len(queries), 4 * len(pool), BLOCK_BYTES // 4):
        product = _held(queries[block], device) @ held.T
        none = slice(*np.searchsorted(left_out[0], [block.start, block.stop]))
        product[_held(left_out[0][none] - block.start, device), _held(left_out[1][none], device)] = -np.inf
        if device is not None:
            product = product.sort(dim=1).values.cpu().numpy()
        here = slice(*np.searchsorted(keys, [block.start << 32, block.stop << 32]))
        above[here] = _above(keys[here] - (block.start << 32), product, ordered=device is not None)
    return _mean_precision(keys, above, len(queries))


def _keys(rows: Rows, scores: Floats) -> npt.NDArray[np.int64]:
    """Whole numbers in the order of (row, score): the row above, the bits of the float32 below; exact, and sorted as one array."""
    bits = (scores + np.float32(0)).view(np.int32)  # adding zero makes -0 the same as 0
    ordered = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))  # negative floats grow as their bits shrink
    return np.asarray((rows << 32) + ordered + 2**31, dtype=np.int64)


def _scores(keys: npt.NDArray[np.int64]) -> Floats:
    """The scores that keys were made of."""
    ordered = ((keys & 0xFFFFFFFF) - 2**31).astype(np.int32)
    return (ordered ^ ((ordered >> 31) & np.int32(0x7FFFFFFF))).view(np.float32)


def _above(keys: npt.NDArray[np.int64], negatives: Floats, *, ordered: bool = False) -> Numbers:
    """How many negatives of its row (n, q) stand above each positive (sorted keys), those that tie by a half; sorts the negatives."""
    above, scores = np.empty(len(keys)), _scores(keys)

    def count(rows: slice) -> None:
        part = negatives[rows]
        if not ordered:
            part.sort(axis=1)
        here = slice(*np.searchsorted(keys, [rows.start << 32, rows.stop << 32]))
        row, wanted = (keys[here] >> 32) - rows.start, scores[here]
        below = _bisect(part, row, wanted, np.less)
        twice = 2 * below
        tied = np.flatnonzero((below < part.shape[1]) & (part[row, np.minimum(below, part.shape[1] - 1)] == wanted))
        twice[tied] = below[tied] + _bisect(part, row[tied], wanted[tied], np.less_equal)
        above[here] = part.shape[1] - twice / 2

    threads = THREADS if negatives.size > 2**18 else 1
    parts = _slices(len(negatives), 1, -(-len(negatives) // threads))
    if threads == 1:
        list(map(count, parts))
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(count, parts))
    return above


def _bisect(ordered: Floats, rows: Rows, scores: Floats, precedes: np.ufunc) -> Rows:
    """How many of its row (n, q), in order, precede each score: all are halved at once."""
    size, values = ordered.shape[1], ordered.ravel()
    start, found, step = rows * size - 1, np.zeros(len(rows), dtype=np.intp), 1 << max(0, size.bit_length() - 1)
    while step and size:
        further = found + step
        found += step * ((further <= size) & precedes(values[start + np.minimum(further, size)], scores))
        step >>= 1
    return found


def _mean_precision(keys: npt.NDArray[np.int64], above: Numbers, n: int) -> Numbers:
    """The mean over each row's positives (sorted keys) of found / (found + negatives above)."""
    row = keys >> 32
    number = np.bincount(row, minlength=n)
    found = np.cumsum(number)[row] - np.arange(len(row))
    total = np.bincount(row, weights=found / (found + above), minlength=n)
    return np.divide(total, number, out=np.full(n, np.nan), where=number > 0)


@lru_cache(maxsize=4096)
def chance_average_precision(positives: int, negatives: int, /) -> float:
    """The mean average precision of random rankings of p positives among q negatives (exact).

    With n = p + q and H_n the n-th harmonic number: E[AP] = (1/n) ((p - 1)/(n - 1) (n - H_n) + H_n). The k-th place holds a positive with
    probability p/n; given that, each earlier place holds one with probability (p - 1)/(n - 1).

    Parameters
    ----------
    positives
        p.
    negatives
        q.

    Returns
    -------
    float
        NaN without positives, 1 without negatives.

    """
    total = positives + negatives
    if positives < 1:
        return float("nan")
    if negatives == 0:
        return 1.0
    harmonic = float(np.sum(1.0 / np.arange(1, total + 1)))
    return ((positives - 1) / (total - 1) * (total - harmonic) + harmonic) / total


def top_k(queries: Floats, candidates: Floats, /, *, k: int, device: str | None = None) -> tuple[npt.NDArray[np.intp], Floats]:
    """The k nearest candidates of each query.

    Parameters
    ----------
    queries, candidates
        Rows (n, width) and (m, width), float32.
    k
        How many; m where there are fewer candidates.
    device
        Where they are compared; see the module.

    Returns
    -------
    indices : ndarray of int, shape (n, k)
        Rows of the candidates, best first; equal ones in order of row.
    similarities : ndarray of float32, shape (n, k)
        Their inner products.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    k = min(k, len(candidates))
    indices = np.empty((len(queries), k), dtype=np.intp)
    scores = np.empty((len(queries), k), dtype=np.float32)
    held = _held(candidates, device)
    for rows in _slices(len(queries), 4 * len(candidates), BLOCK_BYTES):
        similarity = _held(queries[rows], device) @ held.T
        if device is None:
            found = _largest(similarity, k)
            indices[rows], scores[rows] = found, np.take_along_axis(similarity, found, axis=1)
        else:
            best = similarity.sort(dim=1, descending=True, stable=True)
            indices[rows], scores[rows] = best.indices[:, :k].cpu().numpy(), best.values[:, :k].cpu().numpy()
    return indices, scores


def _largest(similarity: Floats, k: int) -> npt.NDArray[np.intp]:
    """Columns of the k largest of each row, best first, equal ones in order; a partition, so linear in the columns."""
    if k == similarity.shape[1]:
        return np.argsort(-similarity, axis=1, kind="stable")
    chosen = np.sort(np.argpartition(-similarity, k - 1, axis=1)[:, :k], axis=1)
    last = np.take_along_axis(similarity, chosen, axis=1).min(axis=1, keepdims=True)
    # Where equal ones lie on both sides of the border, the partition took any of them: take the first instead.
    for row in np.flatnonzero((similarity >= last).sum(axis=1) > k):
        chosen[row] = np.sort(np.argsort(-similarity[row], kind="stable")[:k])
    order = np.argsort(-np.take_along_axis(similarity, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)
