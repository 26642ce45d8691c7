"""A query among queries that mean nothing: which of its candidates stand out, and does it stand out at all?

A pool of m queries of the same form as the one asked is compared with the same candidates.

- Of a candidate c with score s: z = (s - mean)/sd of the pool's scores of c, and p = (1 + #{pool's score of c >= s}) / (m + 1).
- Of the query: its largest z over all candidates, among those of the pool, p = (1 + #{largest z >= its own}) / (m + 1). Query and pool
  are treated alike: each is measured by mean and sd of all the others, so p is valid for a query that is one more of the pool.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
TIE = 1e-6
"""Cosines of float32 vectors that differ by less are equal."""
_NO_SPREAD = 1e-9


@dataclass(frozen=True)
class Standing:
    """How a query stands among the pool.

    Attributes
    ----------
    z, p
        (candidates,) of each candidate.
    query_p
        Of the query as a whole.
    smallest_p
        1 / (m + 1).

    """

    z: Numbers
    p: Numbers
    query_p: float
    smallest_p: float


def standing(scores: Iterable[npt.NDArray[np.floating]], /) -> Standing:
    """Compare a query with a pool.

    Parameters
    ----------
    scores
        Blocks (m + 1, candidates of the block): the pool's scores, and in the last row the query's. m is 2 or more.

    Returns
    -------
    Standing
        The standing of each candidate, and of the query.

    """
    z, p, largest, rows = [], [], np.zeros(0), 0
    for block in scores:
        values = np.asarray(block, dtype=np.float64)
        rows = len(values)
        others = rows - 1
        mean = (values.sum(axis=0) - values) / others
        # About the middle of the column, so that squares of nearly equal numbers keep their digits.
        about = values - values.mean(axis=0)
        shift = (about.sum(axis=0) - about) / others
        sd = np.sqrt(np.maximum(((about**2).sum(axis=0) - about**2) / others - shift**2, 0.0))
        scaled = np.divide(values - mean, sd, out=np.zeros_like(values), where=sd > _NO_SPREAD)
        z.append(scaled[-1])
        p.append((1 + (values[:-1] >= values[-1] - TIE).sum(axis=0)) / rows)
        highest = scaled.max(axis=1, initial=-np.inf)
        largest = highest if not len(largest) else np.maximum(largest, highest)
    at_least = int((largest[:-1] >= largest[-1] - TIE).sum())
    return Standing(np.concatenate(z), np.concatenate(p), (1 + at_least) / rows, 1 / rows)
