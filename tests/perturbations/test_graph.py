"""The relational graph: each source against plain loops, symmetric and self-free, the same bytes twice, unknown names counted."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from impasto import profiles as tables
from impasto.perturbations import graph as graphs
from impasto.perturbations import relations
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
from impasto.schema import InputError

OBS = pd.DataFrame(
    {
        "perturbation": ["s1", "s2", "s3", "drug", "DMSO", "s1", "s4"],
        "perturbation_type": ["sirna", "sirna", "crispr", "compound", None, "sirna", "orf"],
        "control_type": ["trt", "trt", "trt", "trt", "negcon", "trt", "trt"],
        "gene": ["IQCB1", "IQCB1", "TP53;MDM2", "EGFR", None, "IQCB1", "NOBODY"],
        "targets": [None, None, None, "EGFR|MDM2", None, None, None],
        "inchikey": [None, None, None, "AAAA-B", None, None, None],
    },
    index=[str(i) for i in range(7)],
)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "string_pairs.csv").write_text("gene1,gene2,combined_score\nTP53,MDM2,900\nTP53,IQCB1,400\nEGFR,TP53,100\n")
    (tmp_path / "edges.csv").write_text("source,metaedge,target\nGene::1,GiG,Gene::2\nGene::2,GiG,Gene::3\nGene::3,GcG,Gene::4\n")
    (tmp_path / "nodes.csv").write_text("id,name,kind\nGene::1,TP53,Gene\nGene::2,ZZZ,Gene\nGene::3,EGFR,Gene\nGene::4,MDM2,Gene\n")
    return {
        "string": str(tmp_path / "string_pairs.csv"),
        "hetionet": str(tmp_path / "edges.csv"),
        "hetionet_nodes": str(tmp_path / "nodes.csv"),
    }


def made(values: dict[str, object], **more: object) -> graphs.Graph:
    return build(OBS, SourceSettings.read({**values, **more}, where="test"))


def weight(graph: graphs.Graph, a: str, b: str) -> float:
    first, second = graph.places([a, b])
    return float(graph.weights[first, second])


def test_perturbations_join_by_first_gene_and_compounds_by_every_target(sources: dict[str, str]) -> None:
    graph = made({"string": sources["string"]})
    assert graph.nodes["node"].tolist() == ["AAAA-B", "s1", "s2", "s3", "s4"]
    assert graph.nodes["genes"].tolist() == ["EGFR|MDM2", "IQCB1", "IQCB1", "TP53", "NOBODY"]
    # Two siRNAs of one gene: 1. The compound: through MDM2, as its link through EGFR is below the threshold.
    assert weight(graph, "s1", "s2") == 1.0
    assert weight(graph, "AAAA-B", "s3") == 0.9
    assert weight(graph, "s1", "s3") == 0.4
    assert weight(graph, "AAAA-B", "s1") == 0.0
    assert not graph.weights[graph.places(["s4"])[0]].any()


def test_unknown_genes_are_counted_and_named(sources: dict[str, str]) -> None:
    graph = made(sources)
    assert graph.unknown == {"string": ["EGFR", "NOBODY"], "hetionet": ["IQCB1", "NOBODY"]}
    known = graph.sources.set_index("source")["known"]
    assert known.to_dict() == {"string": 4, "hetionet": 2, "all, combined": 4}


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


def test_the_walk_reaches_over_genes_that_were_not_measured(sources: dict[str, str]) -> None:
    only = {k: v for k, v in sources.items() if k != "string"}
    assert weight(made(only, steps=2), "s3", "AAAA-B") > 0  # TP53 - ZZZ - EGFR
    with pytest.raises(InputError, match="hetionet relates") as told:
        build(OBS[OBS["perturbation"].isin(["s3", "s4"])], SourceSettings.read(only, where="test"))
    assert "2 perturbations" in str(told.value)


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


def test_stitch_names_compounds_by_inchikey(tmp_path: Path) -> None:
    (tmp_path / "links.tsv").write_text("chemical1\tchemical2\ttextmining\nCIDm1\tCIDm2\t700\nCIDm2\tCIDm1\t800\nCIDm1\tCIDm3\t100\n")
    (tmp_path / "keys.tsv").write_text(
        "flat_chemical_id\tstereo_chemical_id\tsource_cid\tinchikey\nCIDm1\tCIDs1\t1\tAAAA-B\nCIDm2\tCIDs2\t2\tCCCC-D\n"
    )
    found = relations.read_stitch_chemicals(tmp_path / "links.tsv", inchikeys=tmp_path / "keys.tsv")
    assert found.to_numpy().tolist() == [["AAAA-B", "CCCC-D", 0.8]]
    obs = pd.DataFrame({"perturbation": ["x", "y", "z"], "inchikey": ["AAAA-B", "CCCC-D", None]}, index=list("abc"))
    settings_ = SourceSettings.read({"stitch": tmp_path / "links.tsv", "stitch_inchikeys": tmp_path / "keys.tsv"}, where="test")
    graph = build(obs, settings_)
    assert weight(graph, "AAAA-B", "CCCC-D") == 1.0  # divided by the largest
    assert graph.unknown["stitch"] == ["z"]


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


def test_shares_weigh_the_sources(sources: dict[str, str]) -> None:
    both = made(sources, shares={"hetionet": 0})
    assert weight(both, "s1", "s3") == 0.4
    assert weight(made(sources), "s1", "s3") == 0.2
    with pytest.raises(InputError, match=r"unknown source of a graph 'strin' \(did you mean 'string'"):
        made(sources, shares={"strin": 1})


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
    assert again.places(["s3", "nobody"]).tolist() == [3, -1]


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


def test_real_relations_join_to_the_compounds_of_real_plates(shared_data: Path) -> None:
    kg = shared_data / "kg"
    obs = tables.read(shared_data / "profiles" / "cpjump1_u2os_compound.parquet").obs
    given_ = {"string": str(kg / "stringdb_pairs.csv.gz"), "hetionet": str(kg / "hetionet_edges_5k_sample.csv.gz")}
    graph = build(obs, SourceSettings.read(given_, where="test"))
    rows = graph.sources.set_index("source")
    assert rows.loc["string", ["nodes", "known", "edges"]].tolist() == [306, 272, 376]
    assert rows.loc["hetionet", "known"] == 229
    # Every edge of STRING is a pair of its list, or a shared target.
    listed = {frozenset(p) for p in relations.read_pairs(kg / "stringdb_pairs.csv.gz").itertuples(index=False, name=None)}
    only = build(obs, SourceSettings.read({"string": given_["string"]}, where="test"))
    genes = [set(t.split("|")) for t in only.nodes["genes"]]
    for a, b in zip(*np.nonzero(np.triu(only.weights)), strict=True):
        assert genes[a] & genes[b] or any(frozenset((x, y)) in listed for x in genes[a] for y in genes[b])
