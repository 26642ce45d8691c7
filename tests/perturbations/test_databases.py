"""The forms that databases of relations are downloaded in, each as a small file."""

from pathlib import Path

import pytest
from tests.perturbations.related import pairs_of

from impasto.perturbations import databases
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("corum.txt", "ComplexID\tComplexName\tsubunits(Gene name)\n1\tx\tA;B;C\n"),
        ("corum_complexes.tsv", "one\tA B C\n"),
    ],
)
def test_corum_gives_every_pair_of_a_complex(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert pairs_of(databases.read_corum(tmp_path / name)) == [("A", "B"), ("A", "C"), ("B", "C")]


def test_string_takes_names_from_its_info_file_and_drops_weak_links(tmp_path: Path) -> None:
    links, info = tmp_path / "9606.protein.links.txt", tmp_path / "9606.protein.info.txt"
    links.write_text("protein1 protein2 combined_score\n9606.E1 9606.E2 900\n9606.E2 9606.E3 150\n")
    info.write_text("#string_protein_id\tpreferred_name\tprotein_size\n9606.E1\tB1\t1\n9606.E2\tA1\t1\n9606.E3\tC1\t1\n")
    assert pairs_of(databases.read_string(links, names=info)) == [("A1", "B1")]
    assert len(databases.read_string(links, names=info, threshold=100)) == 2
    with pytest.raises(InputError, match=r"names proteins by Ensembl identifiers; give STRING's protein\.info file as well"):
        databases.read_string(links)


def test_signor_keeps_pairs_of_proteins(tmp_path: Path) -> None:
    path = tmp_path / "signor.tsv"
    path.write_text("ENTITYA\tTYPEA\tENTITYB\tTYPEB\nMAPK1\tprotein\tELK1\tprotein\nATP\tchemical\tELK1\tprotein\n")
    assert pairs_of(databases.read_signor(path)) == [("ELK1", "MAPK1")]


def test_reactome_reads_symbols_out_of_mitab_aliases(tmp_path: Path) -> None:
    path = tmp_path / "reactome.homo_sapiens.psi-mitab.txt"
    path.write_text("#ID A\tAlias(es) interactor A\tAlias(es) interactor B\nx\tuniprotkb:GRB2(gene name)|y\tuniprotkb:SOS1(gene name)\n")
    assert pairs_of(databases.read_reactome(path)) == [("GRB2", "SOS1")]


def test_humap_keeps_pairs_above_a_probability(tmp_path: Path) -> None:
    path = tmp_path / "humap.csv"
    path.write_text("gene1,gene2,score\nA,B,0.9\nA,C,0.01\n")
    assert pairs_of(databases.read_humap(path, threshold=0.5)) == [("A", "B")]


def test_hetionet_names_genes_by_its_nodes(tmp_path: Path) -> None:
    edges = tmp_path / "hetionet_edges.csv"
    edges.write_text("source,metaedge,target\nGene::1,GiG,Gene::2\nGene::1,GpBP,Biological Process::GO:1\n")
    with pytest.raises(InputError, match="nodes"):
        databases.read_hetionet(edges)
    (tmp_path / "nodes.csv").write_text("id,name,kind\nGene::1,EGFR,Gene\nGene::2,ERBB2,Gene\n")
    assert pairs_of(databases.read_hetionet(edges, nodes=tmp_path / "nodes.csv")) == [("EGFR", "ERBB2")]


def test_scores_of_string_are_shares_and_one_where_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "string_pairs.csv"
    path.write_text("gene1,gene2,combined_score\nTP53,MDM2,900\nMDM2,TP53,400\nEGFR,TP53,199\n")
    assert databases.read_string_scores(path).to_numpy().tolist() == [["MDM2", "TP53", 0.9]]
    path.write_text("gene1,gene2\nTP53,MDM2\n")
    assert databases.read_string_scores(path)["score"].tolist() == [1.0]


def test_a_list_of_pairs_of_string_is_in_symbols_and_needs_no_info_file(tmp_path: Path) -> None:
    path, info = tmp_path / "string_pairs.csv", tmp_path / "9606.protein.info.txt"
    path.write_text("gene1,gene2,combined_score\nTP53,MDM2,900\n")
    info.write_text("#string_protein_id\tpreferred_name\tprotein_size\n9606.E1\tB1\t1\n")
    alone, beside = (databases.read_string_scores(path, names=names).to_numpy().tolist() for names in (None, info))
    assert alone == beside == [["MDM2", "TP53", 0.9]]
