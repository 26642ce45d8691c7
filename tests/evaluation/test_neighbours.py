"""Neighbours against scikit-learn's, graph connectivity against a walk by hand."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from impasto import ranking
from impasto.evaluation import neighbours


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbours_are_those_of_scikit_learn_without_the_row_itself(metric: str, device: str | None) -> None:
    values = np.random.default_rng(0).normal(1, 2, size=(60, 8)).astype(np.float32)
    theirs = NearestNeighbors(n_neighbors=6, metric=metric).fit(values).kneighbors(return_distance=False)
    np.testing.assert_array_equal(neighbours.nearest(values, k=6, metric=metric, device=device), theirs)


def test_a_row_is_never_its_own_neighbour_even_among_duplicates() -> None:
    found = neighbours.nearest(np.ones((8, 3), dtype=np.float32), k=3)
    assert not (found == np.arange(8)[:, None]).any()
    assert all(len(set(row)) == 3 for row in found)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_top_k_is_a_stable_sort_whatever_the_ties(device: str | None) -> None:
    rng = np.random.default_rng(1)
    candidates = rng.integers(-1, 2, size=(50, 3)).astype(np.float32)
    found, scores = ranking.top_k(candidates[:20], candidates, k=7, device=device)
    similarity = candidates[:20] @ candidates.T
    np.testing.assert_array_equal(found, np.argsort(-similarity, axis=1, kind="stable")[:, :7])
    assert (np.diff(scores, axis=1) <= 0).all()


def test_connectivity_weak_and_strong_differ_as_their_definitions_do() -> None:
    # 0 -> 1 -> 2 -> 1 and 3 -> 0: one weak piece of four; strongly, only 1 and 2 reach each other.
    chain = np.array([[1], [2], [1], [0]])
    codes = np.zeros(4, dtype=np.intp)
    assert neighbours.connectivity(chain, codes).tolist() == [1.0]
    assert neighbours.connectivity(chain, codes, strong=True).tolist() == [0.5]


def test_overlap_counts_shared_neighbours() -> None:
    before, after = np.array([[1, 2], [0, 2]]), np.array([[1, 3], [2, 0]])
    assert neighbours.overlap(before, after).tolist() == [0.5, 1.0]


def test_communities_find_two_far_clouds_and_are_seeded() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(60, 5)).astype(np.float32)
    values[:30, 0] += 30
    values[30:, 1] += 30
    found = neighbours.nearest(values, k=10)
    codes = neighbours.communities(found, resolution=0.5, seed=3)
    assert not set(codes[:30]) & set(codes[30:])
    np.testing.assert_array_equal(codes, neighbours.communities(found, resolution=0.5, seed=3))


def test_a_row_is_never_among_its_own_neighbours_and_the_nearest_are_kept_among_duplicates() -> None:
    """Six equal rows and two others: the first six of a list may all be duplicates, and then the last one of it goes."""
    values = np.concatenate([np.ones((6, 2)), [[1.0, 0.9], [-1.0, 1.0]]]).astype(np.float32)
    found = neighbours.nearest(values, k=3)
    for row, near in enumerate(found):
        assert row not in near
    assert found[5].tolist() == [0, 1, 2]
