"""Rankings: the one implementation of similarity in blocks, top-k, rank of match and average precision.

Exact, bounded in memory: a block of queries is compared with all candidates at a time, so memory is block x candidates, never
candidates squared. Ties are averaged, so that a constant embedding scores as chance and not by the order of the rows.

Our own and not scikit-learn's: `average_precision_score` takes one ranking a call and breaks ties by the order of the thresholds,
`NearestNeighbors` gives the nearest but no ranks. 9,216 wells x 1,000 features need less than 2 GB here; the tables of all pairs that
the usual implementations build need more than 14 GB. Tests compare the numbers with scikit-learn's and with plain loops.

Products run on BLAS's threads, sorting on as many of our own. `device` ("cuda", or "cpu" for the same path without one) has torch
form and sort the blocks instead; only then is torch imported.
"""

from impasto.ranking.blocks import BLOCK_BYTES, THREADS, Floats, Numbers, Rows, pair_blocks, similarity_blocks, unit
from impasto.ranking.nearest import rank_of_match, top_k
from impasto.ranking.precision import (
    average_precision,
    average_precisions,
    chance_average_precision,
    pool_average_precisions,
    precision_among,
)

__all__ = [
    "BLOCK_BYTES",
    "THREADS",
    "Floats",
    "Numbers",
    "Rows",
    "average_precision",
    "average_precisions",
    "chance_average_precision",
    "pair_blocks",
    "pool_average_precisions",
    "precision_among",
    "rank_of_match",
    "similarity_blocks",
    "top_k",
    "unit",
]
