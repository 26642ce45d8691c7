"""The relational graph: its nodes, the same bytes twice, shuffled nodes, and files that are not a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.perturbations.related import OBS, made

from impasto.perturbations import graph as graphs
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
from impasto.schema import InputError


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
    with pytest.raises(InputError, match="cannot be read as a graph of perturbations"):
        graphs.read(tmp_path / "x.parquet")
    with pytest.raises(InputError, match="does not exist"):
        graphs.read(tmp_path / "y.parquet")


def test_a_damaged_graph_is_a_sentence(sources: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "g.parquet"
    graphs.write(made(sources), path)
    whole = pq.read_table(path)
    np.testing.assert_array_equal(graphs.read(path).weights, made(sources).weights)
    pq.write_table(whole.drop_columns("weight"), path)
    with pytest.raises(InputError, match=r"graph of perturbations .*weight"):
        graphs.read(path)
    pq.write_table(whole.set_column(0, "node1", pa.array(["nobody"] * len(whole))), path)
    with pytest.raises(InputError, match="an edge leads to a node that is not listed"):
        graphs.read(path)


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
