"""The nearest candidates of each query, and the rank of the one that matches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from impasto.ranking import blocks
from impasto.ranking.blocks import Floats, Numbers, Rows, placed, similarity_blocks, slices


def rank_of_match(
    queries: Floats, candidates: Floats, matches: tuple[Rows, Rows], /, *, copies: Rows | None = None, device: str | None = None
) -> Numbers:
    """Rank (1 is best) of the best matching candidate of each query, ties averaged.

    Parameters
    ----------
    queries, candidates
        Unit rows (n, width) and (m, width).
    matches
        The right pairs: numbers of queries, ascending, and of candidates (k,) each; of copies where there are any.
    copies
        The rows of candidates that are offered, one as often as it is named; all once by default.
    device
        Where they are compared; see the module.

    Returns
    -------
    Numbers
        (n,) of float64. NaN for a query without a match.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    ranks = np.full(len(queries), np.nan)
    for rows, similarity in similarity_blocks(queries, candidates, copies=copies, device=device):
        here = slice(*np.searchsorted(matches[0], [rows.start, rows.stop]))
        query, starts = np.unique(matches[0][here], return_index=True)
        if not len(query):
            continue
        right = similarity[matches[0][here] - rows.start, matches[1][here]]
        best = np.maximum.reduceat(right, starts)
        of_queries = similarity if len(query) == len(similarity) else similarity[query - rows.start]
        # No right one stands above the best right one, and of those that tie with it only wrong ones cost rank, each by a half.
        above = (of_queries > best[:, None]).sum(axis=1)
        ties = (of_queries == best[:, None]).sum(axis=1) - np.add.reduceat(
            right == np.repeat(best, np.diff([*starts, len(right)])), starts, dtype=int
        )
        ranks[query] = 1 + above + ties / 2
    return ranks


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
    indices : npt.NDArray[np.intp]
        (n, k) of int. Rows of the candidates, best first; equal ones in order of row.
    similarities : Floats
        (n, k) of float32. Their inner products.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    k = min(k, len(candidates))
    indices = np.empty((len(queries), k), dtype=np.intp)
    scores = np.empty((len(queries), k), dtype=np.float32)
    on_device = placed(candidates, device)
    for rows in slices(len(queries), 4 * len(candidates), blocks.BLOCK_BYTES):
        similarity = placed(queries[rows], device) @ on_device.T
        if device is None:
            nearest = _largest(similarity, k)
            indices[rows], scores[rows] = nearest, np.take_along_axis(similarity, nearest, axis=1)
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
