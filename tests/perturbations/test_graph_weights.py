"""Weights of the relational graph against plain loops: walks, cosines, genes, and the mean of sources."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.perturbations.related import OBS

from impasto import profiles as tables
from impasto.perturbations import graph_weights
from impasto.perturbations.graph import nodes_of
from impasto.schema import InputError


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_a_walk_is_the_power_of_the_step_and_its_rows_sum_to_one(seed: int, n: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    ring = np.roll(np.eye(n), 1, axis=1) if n > 2 else 1 - np.eye(n)
    dense = np.maximum(ring, ring.T) + np.triu(rng.random((n, n)) < 0.3, 1)
    dense = np.minimum(np.maximum(dense, dense.T), 1) * (1 - np.eye(n))
    here = np.eye(n)
    for _ in range(steps):  # the oracle: one walker a row, one step at a time
        here = np.array([[sum(row[k] * dense[k, j] / dense[k].sum() for k in range(n)) for j in range(n)] for row in here])
    start = np.arange(n)
    found = graph_weights.walk(sparse.csr_matrix(dense), start, steps=steps)
    np.testing.assert_allclose(found, here, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(graph_weights.walk(sparse.csr_matrix(dense), start, steps=steps, average=True).sum(axis=1), 1.0)


def test_a_walk_goes_in_proportion_to_weights_however_small_they_are() -> None:
    dense = np.array([[0, 0.1, 0.3, 0], [0.1, 0, 0, 0], [0.3, 0, 0, 0], [0, 0, 0, 0]])
    found = graph_weights.walk(sparse.csr_matrix(dense), np.arange(4), steps=1)
    # From the first gene a quarter goes to the second; a gene without edges leads nowhere.
    np.testing.assert_allclose(found, [[0, 0.25, 0.75, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])


def test_images_relate_by_cosine_and_nothing_below_zero() -> None:
    values = np.array([[1, 0], [1, 0.1], [-1, 0], [0, 1], [9, 9], [1, 0], [0, -1]], dtype=np.float32)
    profiles = anndata.AnnData(X=values, obs=OBS, var=tables.describe_features(["a", "b"]))
    nodes = nodes_of(OBS)
    found = graph_weights.by_images(nodes, profiles)
    means = np.array([values[3], values[[0, 5]].mean(axis=0), values[1], values[2], values[6]], dtype=np.float64)
    means -= means.mean(axis=0)
    for i in range(5):
        for j in range(5):
            cosine = means[i] @ means[j] / np.linalg.norm(means[i]) / np.linalg.norm(means[j])
            assert found[i, j] == pytest.approx(max(0.0, cosine), abs=1e-6)


@given(st.integers(0, 10_000), st.integers(2, 7))
@settings(max_examples=25, deadline=None)
def test_the_combined_graph_is_symmetric_self_free_and_at_most_one(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    parts = {"a": rng.random((n, n)) * 9, "b": rng.random((n, n)), "empty": np.zeros((n, n))}
    kept = {k: v.copy() for k, v in parts.items()}
    whole = graph_weights.combine(parts, shares={"a": 2.0})
    assert (whole == whole.T).all()
    assert not whole.diagonal().any()
    assert 0 <= whole.min() <= whole.max() <= 1
    assert all((parts[k] == kept[k]).all() for k in parts)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_two_perturbations_are_as_near_as_the_nearest_of_their_genes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    genes = list("ABCDEF")
    between = np.triu(rng.random((6, 6)) * (rng.random((6, 6)) < 0.5), 1)
    between += between.T
    own = [sorted(rng.choice([*genes, "X", "Y"], size=rng.integers(0, 4), replace=False)) for _ in range(5)]  # X and Y: no relation
    found = graph_weights.by_genes(pd.DataFrame({"genes": ["|".join(mine) for mine in own]}), sparse.csr_matrix(between), genes)

    def near(a: str, b: str) -> float:
        known = a in genes and b in genes
        return 1.0 if a == b else float(between[genes.index(a), genes.index(b)]) if known else 0.0

    for i in range(5):
        for j in range(5):
            assert found[i, j] == pytest.approx(max((near(a, b) for a in own[i] for b in own[j]), default=0.0))


def test_combined_weights_are_the_weighted_mean_written_out() -> None:
    rng = np.random.default_rng(0)
    parts = {"a": 9 * rng.random((4, 4)), "b": rng.random((4, 4))}
    found = graph_weights.combine(parts, shares={"a": 3.0})
    symmetric = {k: [[(v[i, j] + v[j, i]) / 2 if i != j else 0.0 for j in range(4)] for i in range(4)] for k, v in parts.items()}
    largest = {k: max(map(max, v)) for k, v in symmetric.items()}
    for i in range(4):
        for j in range(4):
            expected = 0.75 * symmetric["a"][i][j] / largest["a"] + 0.25 * symmetric["b"][i][j] / largest["b"]
            assert found[i, j] == pytest.approx(expected, abs=1e-6)
    with pytest.raises(InputError, match="the share of a is -1"):
        graph_weights.combine(parts, shares={"a": -1})
    with pytest.raises(InputError, match="no source of the graph has a share above 0"):
        graph_weights.combine(parts, shares={"a": 0, "b": 0})


def test_pairs_become_a_symmetric_matrix_of_sorted_genes() -> None:
    found, genes = graph_weights.adjacency(pd.DataFrame({"gene1": ["B", "C"], "gene2": ["A", "B"], "score": [0.5, 0.25]}))
    assert genes == ["A", "B", "C"]
    assert found.toarray().tolist() == [[0, 0.5, 0], [0.5, 0, 0.25], [0, 0.25, 0]]
    plain, _ = graph_weights.adjacency(pd.DataFrame({"gene1": ["B"], "gene2": ["A"]}))
    assert plain.toarray().tolist() == [[0, 1], [1, 0]]
