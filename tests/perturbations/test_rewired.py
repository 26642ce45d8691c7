"""A rewired graph: every node keeps its number of edges, every weight stays, and the edges are others."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.perturbations.rewired import rewired


def random_graph(nodes: int, edges: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(nodes, 1)
    chosen = rng.choice(len(first), size=edges, replace=False)
    weights = np.zeros((nodes, nodes))
    weights[first[chosen], second[chosen]] = rng.uniform(0.1, 1, size=edges)
    # A hub: degrees differ, so that a shuffle of nodes would move them.
    weights[0, 1 : nodes // 2] = 0.5
    return np.maximum(weights, weights.T)


@pytest.mark.parametrize(("nodes", "edges"), [(30, 60), (12, 50), (60, 30)])
def test_degrees_and_weights_stay_and_edges_are_others(nodes: int, edges: int) -> None:
    true = random_graph(nodes, edges, 0)
    made = rewired(true, seed=3)
    assert np.array_equal(made, made.T)
    assert not made.diagonal().any()
    assert ((made != 0).sum(axis=1) == (true != 0).sum(axis=1)).all()
    assert np.array_equal(np.sort(made, axis=None), np.sort(true, axis=None))
    kept = ((made != 0) & (true != 0)).sum() / (true != 0).sum()
    assert kept < 0.95
    assert np.array_equal(made, rewired(true, seed=3))
    assert not np.array_equal(made, rewired(true, seed=4))


def test_edges_are_those_of_chance_given_the_degrees() -> None:
    """A four-cycle has three wirings of these degrees; each comes as often as the others."""
    ring = np.zeros((4, 4))
    for a, b in ((0, 1), (1, 2), (2, 3), (0, 3)):
        ring[a, b] = ring[b, a] = 1
    found = [tuple(map(tuple, np.argwhere(np.triu(rewired(ring, seed=s), 1)).tolist())) for s in range(300)]
    counts = [found.count(one) for one in sorted(set(found))]
    assert len(counts) == 3
    assert min(counts) > 60


def test_a_graph_that_cannot_be_wired_otherwise_stays() -> None:
    star = np.zeros((4, 4))
    star[0, 1:] = star[1:, 0] = 0.7
    assert np.array_equal(rewired(star, seed=0) != 0, star != 0)
    one = np.zeros((3, 3))
    one[0, 1] = one[1, 0] = 0.4
    assert np.array_equal(rewired(one, seed=0), one)
