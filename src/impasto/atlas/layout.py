"""A flat map of the vectors for people to look at: UMAP where umap-learn is installed, else the first two components."""

from __future__ import annotations

import importlib.util

import numpy as np
import numpy.typing as npt


def flatten(vectors: npt.NDArray[np.float32], /, *, seed: int) -> tuple[npt.NDArray[np.float32], str]:
    """Positions (rows, 2) of unit vectors (rows, width), and the name of the method used."""
    if importlib.util.find_spec("umap") is not None and len(vectors) > 15:
        import warnings

        with warnings.catch_warnings():
            # umap says at import that it lacks TensorFlow, and that a seed makes it run on one thread; a map that moves at each
            # build is worse.
            warnings.filterwarnings("ignore", message="Tensorflow not installed")
            warnings.filterwarnings("ignore", message="n_jobs value")
            import umap

            return umap.UMAP(metric="cosine", random_state=seed).fit_transform(vectors).astype(np.float32), "umap"
    from sklearn.decomposition import PCA

    flat = np.zeros((len(vectors), 2), dtype=np.float32)
    parts = min(2, *vectors.shape)
    flat[:, :parts] = PCA(parts, random_state=seed).fit_transform(vectors)
    return flat, "pca"
