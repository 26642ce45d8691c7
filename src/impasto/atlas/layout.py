"""A flat map of the vectors for people to look at: UMAP where umap-learn is installed, else the first two components.

UMAP takes 100,000 rows; of a larger table so many are drawn and fitted, and each other row is placed beside its nearest ones of these.
"""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import numpy.typing as npt

from impasto import ranking

MOST_FITTED = 100_000
"""Rows that UMAP is fitted on."""
BESIDE = 15
"""The fitted rows in whose middle another stands."""
_BLOCK = 65_536


def has_umap() -> bool:
    """Whether umap-learn is installed.

    Returns
    -------
    bool
        True where `by_umap` works.

    """
    return importlib.util.find_spec("umap") is not None


def by_umap(vectors: npt.NDArray[np.float32], /, *, seed: int, k: int = 15, min_distance: float = 0.1) -> npt.NDArray[np.float32]:
    """UMAP positions by cosine.

    Parameters
    ----------
    vectors
        (rows, width).
    seed
        Of the map.
    k
        Neighbours, at most.
    min_distance
        UMAP's smallest distance of two points.

    Returns
    -------
    npt.NDArray[np.float32]
        (rows, 2) of float32. The positions.

    """
    with warnings.catch_warnings():
        # umap says at import that it lacks TensorFlow, and that a seed makes it run on one thread; a map that moves at each build
        # is worse.
        warnings.filterwarnings("ignore", message="Tensorflow not installed")
        warnings.filterwarnings("ignore", message="n_jobs value")
        import umap

        method = umap.UMAP(metric="cosine", n_neighbors=min(k, len(vectors) - 1), min_dist=min_distance, random_state=seed)
        return np.asarray(method.fit_transform(vectors), dtype=np.float32)


def in_the_middle(flat: npt.NDArray[np.float32], near: npt.NDArray[np.intp], cosine: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
    """Where rows stand that were not fitted: in the middle of their nearest, the nearer the more.

    Parameters
    ----------
    flat
        (rows, 2) the places of the map.
    near, cosine
        (n, BESIDE) the rows that are nearest, and their cosines.

    Returns
    -------
    npt.NDArray[np.float32]
        (n, 2).

    """
    weight = np.maximum(cosine - cosine.min(axis=1, keepdims=True), 0) + 1e-6
    return np.asarray((flat[near] * weight[..., None]).sum(axis=1) / weight.sum(axis=1, keepdims=True), dtype=np.float32)


def _placed(vectors: npt.NDArray[np.float32], drawn: npt.NDArray[np.intp], flat: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(rows, 2) the rows that were fitted where they are, each other in the middle of its 15 nearest of those, the nearer the more."""
    fitted = vectors[drawn]
    places = np.empty((len(vectors), 2), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        near, cosine = ranking.top_k(np.asarray(vectors[start : start + _BLOCK]), fitted, k=BESIDE)
        places[start : start + _BLOCK] = in_the_middle(flat, near, cosine)
    places[drawn] = flat
    return places


def flatten(vectors: npt.NDArray[np.float32], /, *, seed: int) -> tuple[npt.NDArray[np.float32], str]:
    """A flat map of unit vectors.

    Parameters
    ----------
    vectors
        (rows, width), of unit length.
    seed
        Of the map.

    Returns
    -------
    positions : npt.NDArray[np.float32]
        (rows, 2) of float32. The positions.
    method : str
        `umap` or `pca`.

    """
    if has_umap() and len(vectors) > MOST_FITTED:
        drawn = np.sort(np.random.default_rng([seed, MOST_FITTED]).choice(len(vectors), MOST_FITTED, replace=False))
        return _placed(vectors, drawn, by_umap(vectors[drawn], seed=seed)), f"umap of {MOST_FITTED:,} rows, the others beside them"
    if has_umap() and len(vectors) > 15:
        return by_umap(vectors, seed=seed), "umap"
    from sklearn.decomposition import PCA

    flat = np.zeros((len(vectors), 2), dtype=np.float32)
    if not (vectors.std(axis=0) > 0).any():
        return flat, "pca"  # one row, or all alike
    parts = min(2, *vectors.shape)
    flat[:, :parts] = PCA(parts, random_state=seed).fit_transform(vectors)
    return flat, "pca"
