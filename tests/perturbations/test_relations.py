"""Which reader reads which file of relations, and the packaged lists as a whole."""

from pathlib import Path

import pandas as pd
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


def test_lists_as_efaar_publishes_them_are_pairs_whatever_database_names_them(tmp_path: Path) -> None:
    for name in ("CORUM", "HuMAP", "Reactome", "SIGNOR", "StringDB"):
        (tmp_path / f"{name}.txt").write_text("entity1,entity2\nRPLP2,RPLP1\nA,B\nB,A\n")
        assert relations.read(tmp_path / f"{name}.txt").to_numpy().tolist() == [["A", "B"], ["RPLP1", "RPLP2"]], name
    (tmp_path / "CORUM.txt").write_text("ComplexID\tsubunits(Gene name)\n1\tB;A;C\n")
    assert len(relations.read(tmp_path / "CORUM.txt")) == 3, "the database's own download is still read as complexes"
