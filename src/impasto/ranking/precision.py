"""Average precision, exact and with ties averaged: of one ranking, of many, and of queries that share a pool of negatives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from impasto.ranking import blocks
from impasto.ranking.blocks import Floats, Numbers, Rows, placed, slices


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
    Numbers
        (n,) of float64. 0 to 1; NaN without positives.

    """
    keys = np.sort(_keys(np.repeat(np.arange(len(positives)), positives.shape[1]), np.asarray(positives, dtype=np.float32).ravel()))
    return _mean_precision(keys, _above(keys, np.array(negatives, dtype=np.float32)), len(positives))


def precision_among(scores: npt.NDArray[np.floating], positive: npt.NDArray[np.bool_], stays: npt.NDArray[np.bool_], /) -> Numbers:
    """Average precision of one ranking when only some of its candidates stay, for several choices of those; ties are averaged.

    Parameters
    ----------
    scores
        (n,) of the candidates, compared as float32.
    positive
        (n,) which of them are right.
    stays
        (n, choices) which of them stay in each choice.

    Returns
    -------
    Numbers
        (choices,) of float64. What `average_precision` gives for the candidates of each choice; NaN where no positive stays.

    """
    single, rows = np.asarray(scores, dtype=np.float32), np.flatnonzero(positive)
    own = single[rows][:, None]
    before = np.tri(len(rows), k=-1, dtype=bool)
    # The place of a positive among those that stay, and how many negatives that stay lie above it.
    ahead = (single[rows][None] > own) | ((single[rows][None] == own) & before)
    place = 1.0 + ahead.astype(np.float64) @ stays[rows]
    others = single[~positive][None]
    above = ((others > own) + 0.5 * (others == own)) @ stays[~positive].astype(np.float64)
    total = (stays[rows] * (place / (place + above))).sum(axis=0)
    number = stays[rows].sum(axis=0)
    return np.divide(total, number, out=np.full(stays.shape[1], np.nan), where=number > 0)


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
    Numbers
        (n,) of float64. NaN for a query without positives.

    Raises
    ------
    InputError
        The device cannot be used.

    """
    keys = np.sort(_keys(rows, scores))
    above = np.empty(len(keys))
    on_device = placed(pool, device)
    for block in slices(len(queries), 4 * len(pool), blocks.BLOCK_BYTES // 4):
        product = placed(queries[block], device) @ on_device.T
        none = slice(*np.searchsorted(left_out[0], [block.start, block.stop]))
        product[placed(left_out[0][none] - block.start, device), placed(left_out[1][none], device)] = -np.inf
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
    above, scores = np.zeros(len(keys)), _scores(keys)
    if not negatives.shape[1]:  # everything is right
        return above

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

    threads = blocks.THREADS if negatives.size > 2**18 else 1
    parts = slices(len(negatives), 1, -(-len(negatives) // threads))
    if threads == 1:
        list(map(count, parts))
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(count, parts))
    return above


def _bisect(ordered: Floats, rows: Rows, scores: Floats, precedes: np.ufunc) -> Rows:
    """How many of its row (n, q), in order, precede each score: all are halved at once."""
    size, values = ordered.shape[1], ordered.ravel()
    start, below, step = rows * size - 1, np.zeros(len(rows), dtype=np.intp), 1 << max(0, size.bit_length() - 1)
    while step and size:
        further = below + step
        below += step * ((further <= size) & precedes(values[start + np.minimum(further, size)], scores))
        step >>= 1
    return below


def _mean_precision(keys: npt.NDArray[np.int64], above: Numbers, n: int) -> Numbers:
    """The mean over each row's positives (sorted keys) of k / (k + negatives above) for its k-th best positive."""
    row = keys >> 32
    number = np.bincount(row, minlength=n)
    place = np.cumsum(number)[row] - np.arange(len(row))
    total = np.bincount(row, weights=place / (place + above), minlength=n)
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
