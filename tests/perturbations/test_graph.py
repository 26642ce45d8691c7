"""The relational graph: its parts against plain loops, symmetric and self-free, the same bytes twice."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.perturbations.related import OBS, made

from impasto import profiles as tables
from impasto.perturbations import graph as graphs
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
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
    found = graphs.walk(sparse.csr_matrix(dense), start, steps=steps)
    np.testing.assert_allclose(found, here, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(graphs.walk(sparse.csr_matrix(dense), start, steps=steps, average=True).sum(axis=1), 1.0)


def test_images_relate_by_cosine_and_nothing_below_zero() -> None:
    values = np.array([[1, 0], [1, 0.1], [-1, 0], [0, 1], [9, 9], [1, 0], [0, -1]], dtype=np.float32)
    profiles = anndata.AnnData(X=values, obs=OBS, var=tables.describe_features(["a", "b"]))
    nodes = graphs.nodes_of(OBS)
    found = graphs.by_images(nodes, profiles)
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
    whole = graphs.combine(parts, shares={"a": 2.0})
    assert (whole == whole.T).all()
    assert not whole.diagonal().any()
    assert 0 <= whole.min() <= whole.max() <= 1
    assert all((parts[k] == kept[k]).all() for k in parts)


def test_the_same_graph_has_the_same_bytes_and_reads_back(sources: dict[str, str], tmp_path: Path) -> None:
    graph = made(sources)
    mixed = build(OBS.iloc[::-1], SourceSettings.read(sources, where="test"))
    graphs.write(graph, tmp_path / "one.parquet")
    graphs.write(mixed, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    again = graphs.read(tmp_path / "one.parquet")
    np.testing.assert_array_equal(again.weights, graph.weights)
    pd.testing.assert_frame_equal(again.nodes, graph.nodes, check_dtype=False)
    pd.testing.assert_frame_equal(again.sources, graph.sources, check_dtype=False)
    assert again.places(pd.DataFrame({"perturbation": ["s3", "nobody"]})).tolist() == [3, -1]


def test_shuffled_keeps_the_edges_and_deals_the_nodes_anew(sources: dict[str, str]) -> None:
    graph = made(sources)
    dealt = graph.shuffled(seed=1)
    assert np.array_equal(np.sort(dealt.weights, axis=None), np.sort(graph.weights, axis=None))
    assert not np.array_equal(dealt.weights, graph.weights)
    assert dealt.nodes is graph.nodes


def test_bad_graphs_say_what_to_do(sources: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no source of relations"):
        made({})
    with pytest.raises(InputError, match="fewer than two"):
        build(OBS.iloc[4:5], SourceSettings.read(sources, where="test"))
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(InputError, match="not a graph of perturbations"):
        graphs.read(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="does not exist"):
        graphs.read(tmp_path / "y.parquet")


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_two_perturbations_are_as_near_as_the_nearest_of_their_genes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    genes = list("ABCDEF")
    between = np.triu(rng.random((6, 6)) * (rng.random((6, 6)) < 0.5), 1)
    between += between.T
    own = [sorted(rng.choice([*genes, "X", "Y"], size=rng.integers(0, 4), replace=False)) for _ in range(5)]  # X and Y: no relation
    found = graphs.by_genes(pd.DataFrame({"genes": ["|".join(mine) for mine in own]}), sparse.csr_matrix(between), genes)

    def near(a: str, b: str) -> float:
        known = a in genes and b in genes
        return 1.0 if a == b else float(between[genes.index(a), genes.index(b)]) if known else 0.0

    for i in range(5):
        for j in range(5):
            assert found[i, j] == pytest.approx(max((near(a, b) for a in own[i] for b in own[j]), default=0.0))


def test_combined_weights_are_the_weighted_mean_written_out() -> None:
    rng = np.random.default_rng(0)
    parts = {"a": 9 * rng.random((4, 4)), "b": rng.random((4, 4))}
    found = graphs.combine(parts, shares={"a": 3.0})
    symmetric = {k: [[(v[i, j] + v[j, i]) / 2 if i != j else 0.0 for j in range(4)] for i in range(4)] for k, v in parts.items()}
    largest = {k: max(map(max, v)) for k, v in symmetric.items()}
    for i in range(4):
        for j in range(4):
            expected = 0.75 * symmetric["a"][i][j] / largest["a"] + 0.25 * symmetric["b"][i][j] / largest["b"]
            assert found[i, j] == pytest.approx(expected, abs=1e-6)
    with pytest.raises(InputError, match="the share of a is -1"):
        graphs.combine(parts, shares={"a": -1})
    with pytest.raises(InputError, match="no source of the graph has a share above 0"):
        graphs.combine(parts, shares={"a": 0, "b": 0})


def test_pairs_become_a_symmetric_matrix_of_sorted_genes() -> None:
    found, genes = graphs.adjacency(pd.DataFrame({"gene1": ["B", "C"], "gene2": ["A", "B"], "score": [0.5, 0.25]}))
    assert genes == ["A", "B", "C"]
    assert found.toarray().tolist() == [[0, 0.5, 0], [0.5, 0, 0.25], [0, 0.25, 0]]
    plain, _ = graphs.adjacency(pd.DataFrame({"gene1": ["B"], "gene2": ["A"]}))
    assert plain.toarray().tolist() == [[0, 1], [1, 0]]


def test_another_table_is_joined_by_name_by_inchikey_and_without_its_dose() -> None:
    obs = pd.DataFrame(
        {"perturbation": ["a@1uM", "a@3uM", "b", "c", None], "inchikey": [None, None, "KB", "KC", "KX"], "gene": [*"ABC", "D", "E"]}
    )
    graph = graphs.Graph(graphs.nodes_of(obs), np.zeros((3, 3)), pd.DataFrame(), {})
    assert graph.nodes["node"].tolist() == ["a", "b", "c"]
    assert graph.nodes["known_as"].tolist() == [["a", "a@1uM", "a@3uM"], ["KB", "b"], ["KC", "c"]]
    other = pd.DataFrame(
        {
            "perturbation": ["a@10uM", "new name of b", "c", "zz", None, "b"],
            "inchikey": [None, "KB", None, "KZ", "KB", "KB"],
            "control_type": ["trt", "trt", "poscon", "trt", "trt", "negcon"],
        }
    )
    assert graph.places(other).tolist() == [0, 1, 2, -1, -1, -1]


def test_a_graph_of_an_earlier_version_is_made_again(sources: dict[str, str], tmp_path: Path) -> None:
    graph = made(sources)
    graphs.write(graphs.Graph(graph.nodes.drop(columns="known_as"), graph.weights, graph.sources, {}), tmp_path / "old.parquet")
    with pytest.raises(InputError, match="make one with: impasto graph"):
        graphs.read(tmp_path / "old.parquet")
