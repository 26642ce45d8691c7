"""Rankings: the one implementation of similarity in blocks, top-k, rank of match and average precision.

Exact, bounded in memory: a block of queries is compared with all candidates at a time, so memory is block x candidates, never
candidates squared. Ties are averaged, so that a constant embedding scores as chance and not by the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
BLOCK_BYTES = 64 * 2**20


def unit(values: npt.NDArray[np.floating], /) -> Floats:
    """Rows scaled to unit length (rows, width), float32; a row of zeros stays zero."""
    values = np.asarray(values, dtype=np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, length, out=np.zeros_like(values), where=length > 0)


def similarity_blocks(queries: Floats, candidates: Floats, /, *, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[slice, Floats]]:
    """Inner products of a block of queries (rows, width) with all candidates (n, width): pairs of slice and (block, n)."""
    step = max(1, block_bytes // (4 * max(1, len(candidates))))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        yield rows, queries[rows] @ candidates.T


def rank_of_match(queries: Floats, candidates: Floats, matches: npt.NDArray[np.bool_] | None = None, /) -> Numbers:
    """Rank (1 is best) of the best matching candidate of each query, ties averaged.

    Parameters
    ----------
    queries, candidates
        Unit rows (n, width) and (m, width).
    matches
        (n, m), True where a candidate is right; the diagonal (n = m) where it is left out.

    Returns
    -------
    (n,) float64; NaN for a query without a match.

    """
    ranks = np.full(len(queries), np.nan)
    for rows, similarity in similarity_blocks(queries, candidates):
        if matches is None:
            own = similarity[np.arange(len(similarity)), np.arange(rows.start, rows.stop)]
            above = (similarity > own[:, None]).sum(axis=1)
            ties = (similarity == own[:, None]).sum(axis=1) - 1
        else:
            right = matches[rows]
            own = np.where(right, similarity, -np.inf).max(axis=1)
            above = ((similarity > own[:, None]) & ~right).sum(axis=1)
            # Only wrong candidates that tie with the best right one cost rank, each by a half.
            ties = ((similarity == own[:, None]) & ~right).sum(axis=1)
            own = np.where(right.any(axis=1), own, np.nan)
        ranks[rows] = np.where(np.isnan(own), np.nan, 1 + above + ties / 2)
    return ranks


def average_precision(positives: npt.NDArray[np.floating], negatives: npt.NDArray[np.floating], /) -> float:
    """Average precision of one ranking, from the scores of its positives and negatives; ties are averaged.

    AP = (1/M) sum over positives of precision at their rank (Kalinin et al. 2025; Lu et al., CellCLIP, Eq. 12). Where a
    positive ties with negatives, its precision is that of the middle of the tie.
    """
    return float(average_precisions(np.asarray(positives)[None], np.asarray(negatives)[None])[0])


def average_precisions(positives: npt.NDArray[np.floating], negatives: npt.NDArray[np.floating], /) -> Numbers:
    """Average precision of many rankings of one shape: scores of positives (n, p) and of negatives (n, q) -> (n,).

    Only the positives are ranked: the negatives above each are counted by a sorted search, so the cost is p log q and not the
    sorting of p + q.
    """
    ordered = -np.sort(-positives, axis=1)
    negatives = np.sort(negatives, axis=1)
    found = np.arange(1, positives.shape[1] + 1)
    total = np.empty(len(positives))
    for number in range(len(positives)):
        # Negatives at or above a positive, and strictly above: their mean is the middle of a tie.
        strictly = negatives.shape[1] - np.searchsorted(negatives[number], ordered[number], side="right")
        at_least = negatives.shape[1] - np.searchsorted(negatives[number], ordered[number], side="left")
        total[number] = np.mean(found / (found + (strictly + at_least) / 2))
    return total


@lru_cache(maxsize=4096)
def chance_average_precision(positives: int, negatives: int, /) -> float:
    """The mean average precision of random rankings of p positives among q negatives (exact).

    With n = p + q and H_n the n-th harmonic number: E[AP] = (1/n) ((p - 1)/(n - 1) (n - H_n) + H_n). The k-th place holds a
    positive with probability p/n; given that, each earlier place holds one with probability (p - 1)/(n - 1).
    """
    total = positives + negatives
    if positives < 1:
        return float("nan")
    if negatives == 0:
        return 1.0
    harmonic = float(np.sum(1.0 / np.arange(1, total + 1)))
    return ((positives - 1) / (total - 1) * (total - harmonic) + harmonic) / total


def top_k(queries: Floats, candidates: Floats, /, *, k: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """Indices and similarities (n, k) of the k nearest candidates of each query, best first; equal ones in order of row."""
    k = min(k, len(candidates))
    indices = np.empty((len(queries), k), dtype=np.intp)
    scores = np.empty((len(queries), k), dtype=np.float32)
    for rows, similarity in similarity_blocks(queries, candidates):
        found = _largest(similarity, k)
        indices[rows], scores[rows] = found, np.take_along_axis(similarity, found, axis=1)
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
