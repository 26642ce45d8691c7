"""From files of relations to a graph: how each source joins, what it does not know, how the sources count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.perturbations.related import OBS, made, weight

from impasto import profiles as tables
from impasto.perturbations import stitch
from impasto.perturbations.graph_settings import SourceSettings
from impasto.perturbations.graph_sources import build
from impasto.perturbations.relation_tables import read_pairs
from impasto.schema import InputError


def test_perturbations_join_by_first_gene_and_compounds_by_every_target(sources: dict[str, str]) -> None:
    graph = made({"string": sources["string"]})
    assert graph.nodes["node"].tolist() == ["drug", "s1", "s2", "s3", "s4"]
    assert graph.nodes["genes"].tolist() == ["EGFR|MDM2", "IQCB1", "IQCB1", "TP53", "NOBODY"]
    # Two siRNAs of one gene: 1. The compound: through MDM2, as its link through EGFR is below the threshold.
    assert weight(graph, "s1", "s2") == 1.0
    assert weight(graph, "drug", "s3") == 0.9
    assert weight(graph, "s1", "s3") == 0.4
    assert weight(graph, "drug", "s1") == 0.0
    assert not graph.weights[graph.places(pd.DataFrame({"perturbation": ["s4"]}))[0]].any()


def test_unknown_genes_are_counted_and_named(sources: dict[str, str]) -> None:
    graph = made(sources)
    assert graph.unknown == {"string": ["EGFR", "NOBODY"], "hetionet": ["IQCB1", "NOBODY"]}
    known = graph.sources.set_index("source")["known"]
    assert known.to_dict() == {"string": 4, "hetionet": 2, "all, combined": 4}


def test_the_walk_reaches_over_genes_that_were_not_measured(sources: dict[str, str]) -> None:
    only = {k: v for k, v in sources.items() if k != "string"}
    assert weight(made(only, steps=2), "s3", "AAAA-B") > 0  # TP53 - ZZZ - EGFR
    with pytest.raises(InputError, match="hetionet relates") as told:
        build(OBS[OBS["perturbation"].isin(["s3", "s4"])], SourceSettings.read(only, where="test"))
    assert "2 perturbations" in str(told.value)


def test_stitch_names_compounds_by_inchikey(tmp_path: Path) -> None:
    (tmp_path / "links.tsv").write_text("chemical1\tchemical2\ttextmining\nCIDm1\tCIDm2\t700\nCIDm2\tCIDm1\t800\nCIDm1\tCIDm3\t100\n")
    (tmp_path / "keys.tsv").write_text(
        "flat_chemical_id\tstereo_chemical_id\tsource_cid\tinchikey\nCIDm1\tCIDs1\t1\tAAAA-B\nCIDm2\tCIDs2\t2\tCCCC-D\n"
    )
    found = stitch.read_stitch_chemicals(tmp_path / "links.tsv", inchikeys=tmp_path / "keys.tsv")
    assert found.to_numpy().tolist() == [["AAAA-B", "CCCC-D", 0.8]]
    obs = pd.DataFrame({"perturbation": ["x", "y", "z"], "inchikey": ["AAAA-B", "CCCC-D", None]}, index=list("abc"))
    settings_ = SourceSettings.read({"stitch": tmp_path / "links.tsv", "stitch_inchikeys": tmp_path / "keys.tsv"}, where="test")
    graph = build(obs, settings_)
    assert weight(graph, "AAAA-B", "CCCC-D") == 1.0  # divided by the largest
    assert graph.unknown["stitch"] == ["z"]


def test_shares_weigh_the_sources(sources: dict[str, str]) -> None:
    both = made(sources, shares={"hetionet": 0})
    assert weight(both, "s1", "s3") == 0.4
    assert weight(made(sources), "s1", "s3") == 0.2
    with pytest.raises(InputError, match=r"unknown source of a graph 'strin' \(did you mean 'string'"):
        made(sources, shares={"strin": 1})


def test_real_relations_join_to_the_compounds_of_real_plates(shared_data: Path) -> None:
    kg = shared_data / "kg"
    obs = tables.read(shared_data / "profiles" / "cpjump1_u2os_compound.parquet").obs
    given_ = {"string": str(kg / "stringdb_pairs.csv.gz"), "hetionet": str(kg / "hetionet_edges_5k_sample.csv.gz")}
    graph = build(obs, SourceSettings.read(given_, where="test"))
    rows = graph.sources.set_index("source")
    assert rows.loc["string", ["nodes", "known", "edges"]].tolist() == [306, 272, 376]
    assert rows.loc["hetionet", "known"] == 229
    # Every edge of STRING is a pair of its list, or a shared target.
    listed = {frozenset(p) for p in read_pairs(kg / "stringdb_pairs.csv.gz").itertuples(index=False, name=None)}
    only = build(obs, SourceSettings.read({"string": given_["string"]}, where="test"))
    genes = [set(t.split("|")) for t in only.nodes["genes"]]
    for a, b in zip(*np.nonzero(np.triu(only.weights)), strict=True):
        assert genes[a] & genes[b] or any(frozenset((x, y)) in listed for x in genes[a] for y in genes[b])


def test_a_source_that_is_given_twice_is_refused(sources: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "string_pairs.csv").write_text("gene1,gene2\nTP53,MDM2\n")
    with pytest.raises(InputError, match="the source 'string' is given twice; name each database once"):
        made({"string": sources["string"], "pairs": [str(tmp_path / "string_pairs.csv")]})
