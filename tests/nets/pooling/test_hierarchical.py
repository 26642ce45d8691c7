"""Hierarchical pooling against SciPy's average linkage, and merges written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from tests.nets.pooling.by_hand import bag, mean_of_means, pooled

from impasto.nets.pooling.hierarchical import Hierarchical


@pytest.mark.parametrize("k", [2, 3, 4, 9, 20])
def test_hierarchical_equals_scipys_average_linkage(k: int) -> None:
    values = bag(k, seed=k)
    labels = fcluster(linkage(values, "average"), 3, "maxclust")
    np.testing.assert_allclose(pooled(Hierarchical(), values), mean_of_means(values, labels))


def test_hierarchical_written_out() -> None:
    values = bag(7, seed=3)
    groups = [[i] for i in range(7)]
    while len(groups) > 3:
        gaps = {
            (a, b): np.mean([np.linalg.norm(values[i] - values[j]) for i in groups[a] for j in groups[b]])
            for a in range(len(groups))
            for b in range(a)
        }
        a, b = min(gaps, key=lambda pair: gaps[pair])
        groups[b] += groups.pop(a)
    expected = np.mean([values[g].mean(axis=0) for g in groups], axis=0)
    np.testing.assert_allclose(pooled(Hierarchical(), values), expected)
