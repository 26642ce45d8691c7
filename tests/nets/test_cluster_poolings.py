"""k-means and hierarchical pooling against scikit-learn, SciPy and plain loops; gradcheck; order of the bag."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans as Reference

from impasto.nets.pooling.hierarchical import Hierarchical
from impasto.nets.pooling.kmeans import KMeans


def bag(k: int, d: int = 4, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(k, d)) + 4 * rng.integers(0, 3, size=(k, 1))


def pooled(pooling: torch.nn.Module, values: np.ndarray) -> np.ndarray:
    tensor = torch.as_tensor(values)[None, :, None]
    return pooling(tensor, torch.ones(1, len(values), dtype=torch.bool))[0, 0].numpy()


def mean_of_means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean([values[labels == label].mean(axis=0) for label in sorted(set(labels))], axis=0)


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


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(0, 4), st.sampled_from([KMeans, Hierarchical]))
def test_neither_order_nor_padding_counts(seed: int, k: int, padding: int, kind: type[KMeans | Hierarchical]) -> None:
    values = torch.as_tensor(np.stack([bag(k, seed=seed), bag(k, seed=seed + 1)], axis=1))[None]
    whole = kind()(values, torch.ones(1, k, dtype=torch.bool))
    order = torch.randperm(k + padding, generator=torch.Generator().manual_seed(seed))
    padded = torch.cat([values, torch.full((1, padding, 2, 4), float("nan"), dtype=torch.float64)], dim=1)[:, order]
    mask = torch.cat([torch.ones(1, k), torch.zeros(1, padding)], dim=1).bool()[:, order]
    before = padded.clone()
    torch.testing.assert_close(kind()(padded, mask), whole)
    assert torch.equal(padded.nan_to_num(), before.nan_to_num())


@pytest.mark.parametrize("kind", [KMeans, Hierarchical])
def test_gradients_flow_to_the_profiles(kind: type[KMeans | Hierarchical]) -> None:
    values = torch.as_tensor(bag(6, d=3, seed=2))[None, :, None].requires_grad_()
    mask = torch.tensor([[True] * 5 + [False]])
    assert torch.autograd.gradcheck(lambda v: kind()(v, mask), (values,))


def test_a_small_group_counts_as_much_as_the_crowd() -> None:
    values = np.concatenate([np.zeros((9, 2)) + 0.01 * bag(9, d=2), np.array([[10.0, 10.0]])])
    for pooling in (KMeans(clusters=2), Hierarchical(clusters=2)):
        assert pooled(pooling, values)[0] == pytest.approx(5.0, abs=0.1)
