"""A flat map of the vectors for people to look at: UMAP where umap-learn is installed, else the first two components."""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import numpy.typing as npt


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
    if has_umap() and len(vectors) > 15:
        return by_umap(vectors, seed=seed), "umap"
    from sklearn.decomposition import PCA

    flat = np.zeros((len(vectors), 2), dtype=np.float32)
    if not (vectors.std(axis=0) > 0).any():
        return flat, "pca"  # one row, or all alike
    parts = min(2, *vectors.shape)
    flat[:, :parts] = PCA(parts, random_state=seed).fit_transform(vectors)
    return flat, "pca"
