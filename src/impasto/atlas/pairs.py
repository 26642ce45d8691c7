"""How alike are two compounds of an index by themselves? Quantiles of the cosines of all pairs, and the share of pairs above a cosine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
POINTS = 2001
MOST_EXACT = 5000
"""All pairs of so many compounds are compared."""
DRAWN = 2_000_000
"""Of more compounds, so many pairs."""
_BLOCK = 65_536


def quantiles(vectors: Vectors, /, *, seed: int) -> Numbers:
    """Quantiles of the cosines of pairs of compounds.

    Parameters
    ----------
    vectors
        (compounds, width) of unit length.
    seed
        Of the pairs that are drawn.

    Returns
    -------
    Numbers
        (2001,) from the smallest cosine to the largest; NaN where there are fewer than two compounds.

    """
    count = len(vectors)
    if count < 2:
        return np.full(POINTS, np.nan)
    if count <= MOST_EXACT:
        cosines = (vectors @ vectors.T)[np.triu_indices(count, 1)]
    else:
        rng = np.random.default_rng(seed)
        first = rng.integers(count, size=DRAWN)
        second = (first + rng.integers(1, count, size=DRAWN)) % count
        parts = [slice(start, start + _BLOCK) for start in range(0, DRAWN, _BLOCK)]
        cosines = np.concatenate([np.einsum("ij,ij->i", vectors[first[part]], vectors[second[part]]) for part in parts])
    return np.quantile(cosines.astype(np.float64), np.linspace(0, 1, POINTS))


def share_beyond(kept: Numbers, scores: npt.NDArray[np.floating], /) -> Numbers:
    """The share of pairs with at least this cosine.

    Parameters
    ----------
    kept
        (2001,) what `quantiles` gave.
    scores
        (k,) cosines.

    Returns
    -------
    Numbers
        (k,) to within 1/2000; NaN where there are no pairs.

    """
    if np.isnan(kept).any():
        return np.full(len(scores), np.nan)
    # Where several quantiles are equal, the lowest of them counts: a tie is at or above.
    last = len(kept) - 1
    above = np.searchsorted(kept, np.asarray(scores, dtype=np.float64), side="left")
    low = np.clip(above - 1, 0, last)
    high = np.clip(above, 0, last)
    width = kept[high] - kept[low]
    part = np.divide(scores - kept[low], width, out=np.zeros(len(scores)), where=width > 0)
    place = np.where(above > last, last, np.where(above == 0, 0, low + part))
    return 1 - place / last
