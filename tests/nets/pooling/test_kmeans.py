"""k-means pooling against Lloyd's algorithm written out, and scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans as Reference
from tests.nets.pooling.by_hand import bag, mean_of_means, pooled

from impasto.nets.pooling.kmeans import KMeans


def naive_kmeans(values: np.ndarray, clusters: int) -> np.ndarray:
    """Farthest-first start, then Lloyd's rounds to the end: labels."""
    start = min(values, key=lambda v: np.linalg.norm(v - values.mean(axis=0)))
    centres = [start]
    while len(centres) < min(clusters, len(values)):
        centres.append(max(values, key=lambda v: min(np.linalg.norm(v - c) for c in centres)))
    for _ in range(10):
        labels = np.array([min(range(len(centres)), key=lambda c: np.linalg.norm(v - centres[c])) for v in values])
        centres = [values[labels == c].mean(axis=0) if (labels == c).any() else centres[c] for c in range(len(centres))]
    return np.array([min(range(len(centres)), key=lambda c: np.linalg.norm(v - centres[c])) for v in values])


@pytest.mark.parametrize("k", [1, 2, 3, 4, 9, 20])
def test_kmeans_is_lloyds_algorithm(k: int) -> None:
    values = bag(k, seed=k)
    np.testing.assert_allclose(pooled(KMeans(), values), mean_of_means(values, naive_kmeans(values, 3)))


def test_kmeans_equals_scikit_learns_from_the_same_start() -> None:
    values = bag(30, seed=1)
    mean = values.mean(axis=0)
    start = [values[np.linalg.norm(values - mean, axis=1).argmin()]]
    for _ in range(2):
        start.append(values[np.min([np.linalg.norm(values - c, axis=1) for c in start], axis=0).argmax()])
    reference = Reference(3, init=np.array(start), n_init=1, tol=0, max_iter=10).fit(values)
    np.testing.assert_allclose(pooled(KMeans(), values), mean_of_means(values, reference.labels_))
