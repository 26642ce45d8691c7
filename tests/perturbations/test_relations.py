"""Which reader reads which file of relations, and the packaged lists as a whole."""

from pathlib import Path

import pandas as pd
import pytest
from tests.perturbations.related import pairs_of

from impasto.perturbations import relations
from impasto.perturbations.gene_pairs import join


def test_pairs_are_undirected_each_once_and_never_of_a_gene_with_itself(tmp_path: Path) -> None:
    path = tmp_path / "mine_pairs.csv"
    path.write_text("gene1,gene2\nTP53,MDM2\nmdm2,tp53\nTP53,TP53\nEGFR,\nBRAF, MAP2K1\n")
    assert pairs_of(relations.read(path)) == [("BRAF", "MAP2K1"), ("MDM2", "TP53")]


def test_the_packaged_lists_join_to_as_many_genes_as_their_description_says(shared_data: Path) -> None:
    genes = sorted(pd.read_parquet(shared_data / "profiles" / "cpjump1_phenotypes.parquet")["Metadata_gene"].dropna().unique())
    found = {name: join(pairs, genes) for name, pairs in relations.read_all([shared_data / "kg"]).items()}
    assert {n: (j.genes_seen, len(j.pairs)) for n, j in found.items()} == {
        "stringdb": (143, 75),
        "humap": (67, 7),
        "reactome": (95, 49),
        "corum": (64, 16),
        "signor": (116, 68),
    }


@pytest.mark.parametrize("header", ["entity1,entity2", "gene1\tgene2", '"Entity1","Entity2"'])
def test_a_list_of_pairs_by_the_name_of_a_database_is_a_list(tmp_path: Path, header: str) -> None:
    """As EFAAR_benchmarking calls its truth tables."""
    path = tmp_path / ("CORUM.tsv" if "\t" in header else "CORUM.txt")
    separator = "\t" if "\t" in header else ","
    path.write_text(f"{header}\nA{separator}B\nC{separator}B\n")
    found = relations.read(path)
    assert found[["gene1", "gene2"]].to_numpy().tolist() == [["A", "B"], ["B", "C"]]
    own = tmp_path / "corum.txt"
    own.write_text("1\tA B C\n")
    assert len(relations.read(own)) == 3  # the database's own form is still read as such
