"""The forms that databases of relations are downloaded in, each as a small file."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from impasto.perturbations import relations
from impasto.schema import InputError


def _pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(table[["gene1", "gene2"]].itertuples(index=False, name=None))


def test_pairs_are_undirected_each_once_and_never_of_a_gene_with_itself(tmp_path: Path) -> None:
    path = tmp_path / "mine_pairs.csv"
    path.write_text("gene1,gene2\nTP53,MDM2\nmdm2,tp53\nTP53,TP53\nEGFR,\nBRAF, MAP2K1\n")
    assert _pairs(relations.read(path)) == [("BRAF", "MAP2K1"), ("MDM2", "TP53")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("corum.txt", "ComplexID\tComplexName\tsubunits(Gene name)\n1\tx\tA;B;C\n"),
        ("corum_complexes.tsv", "one\tA B C\n"),
    ],
)
def test_corum_gives_every_pair_of_a_complex(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert _pairs(relations.read_corum(tmp_path / name)) == [("A", "B"), ("A", "C"), ("B", "C")]


def test_string_takes_names_from_its_info_file_and_drops_weak_links(tmp_path: Path) -> None:
    links, info = tmp_path / "9606.protein.links.txt", tmp_path / "9606.protein.info.txt"
    links.write_text("protein1 protein2 combined_score\n9606.E1 9606.E2 900\n9606.E2 9606.E3 150\n")
    info.write_text("#string_protein_id\tpreferred_name\tprotein_size\n9606.E1\tB1\t1\n9606.E2\tA1\t1\n9606.E3\tC1\t1\n")
    assert _pairs(relations.read_string(links, names=info)) == [("A1", "B1")]
    assert len(relations.read_string(links, names=info, threshold=100)) == 2
    with pytest.raises(InputError, match=r"protein\.info"):
        relations.read_string(links)


def test_signor_keeps_pairs_of_proteins(tmp_path: Path) -> None:
    path = tmp_path / "signor.tsv"
    path.write_text("ENTITYA\tTYPEA\tENTITYB\tTYPEB\nMAPK1\tprotein\tELK1\tprotein\nATP\tchemical\tELK1\tprotein\n")
    assert _pairs(relations.read_signor(path)) == [("ELK1", "MAPK1")]


def test_reactome_reads_symbols_out_of_mitab_aliases(tmp_path: Path) -> None:
    path = tmp_path / "reactome.homo_sapiens.psi-mitab.txt"
    path.write_text("#ID A\tAlias(es) interactor A\tAlias(es) interactor B\nx\tuniprotkb:GRB2(gene name)|y\tuniprotkb:SOS1(gene name)\n")
    assert _pairs(relations.read_reactome(path)) == [("GRB2", "SOS1")]


def test_humap_keeps_pairs_above_a_probability(tmp_path: Path) -> None:
    path = tmp_path / "humap.csv"
    path.write_text("gene1,gene2,score\nA,B,0.9\nA,C,0.01\n")
    assert _pairs(relations.read_humap(path, threshold=0.5)) == [("A", "B")]


def test_hetionet_names_genes_by_its_nodes(tmp_path: Path) -> None:
    edges = tmp_path / "hetionet_edges.csv"
    edges.write_text("source,metaedge,target\nGene::1,GiG,Gene::2\nGene::1,GpBP,Biological Process::GO:1\n")
    with pytest.raises(InputError, match="nodes"):
        relations.read_hetionet(edges)
    (tmp_path / "nodes.csv").write_text("id,name,kind\nGene::1,EGFR,Gene\nGene::2,ERBB2,Gene\n")
    assert _pairs(relations.read_hetionet(edges, nodes=tmp_path / "nodes.csv")) == [("EGFR", "ERBB2")]


def test_stitch_keeps_strong_links(tmp_path: Path) -> None:
    path = tmp_path / "stitch.tsv"
    path.write_text("chemical\tprotein\tcombined_score\nCIDm1\t9606.E1\t800\nCIDm2\t9606.E1\t100\n")
    assert relations.read_stitch(path)["score"].tolist() == [0.8]


def test_a_list_is_read_compressed_with_a_mark_of_its_encoding_and_whatever_else_it_tells(tmp_path: Path) -> None:
    text = 'score\tGene1\tgene2 \n1\t"TP53"\tMDM2\n\n2\tNA\tEGFR\n3\t7157\t1956\n'
    path = tmp_path / "mine_pairs.tsv.gz"
    path.write_bytes(gzip.compress(text.encode("utf-8-sig")))
    assert _pairs(relations.read(path)) == [("1956", "7157"), ("MDM2", "TP53")]


def test_a_row_with_too_many_fields_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine_pairs.csv"
    path.write_text("gene1,gene2\nTP53,MDM2,EGFR\n")
    with pytest.raises(InputError, match="cannot be read as a list of pairs"):
        relations.read(path)
    path.write_text("")
    with pytest.raises(InputError, match="a list of relations has gene1, gene2"):
        relations.read(path)


def test_a_table_without_pairs_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "mine_pairs.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="columns a, b"):
        relations.read(path)


def test_join_counts_genes_that_nobody_knows() -> None:
    pairs = relations.normal_pairs(["A", "B"], ["B", "Z"])
    joined = relations.join(pairs, ["A", "B", "C"])
    assert joined.pairs.to_numpy().tolist() == [[0, 1]]
    assert joined.unknown == ["C"]
    assert joined.genes_seen == 2
    plain = pd.DataFrame({"gene1": ["A", "B"], "gene2": ["B", "Z"]}, dtype=object)
    assert relations.join(plain, ["A", "B", "C"]).pairs.equals(joined.pairs)


def test_the_packaged_lists_join_to_as_many_genes_as_their_description_says(shared_data: Path) -> None:
    genes = sorted(pd.read_parquet(shared_data / "profiles" / "cpjump1_phenotypes.parquet")["Metadata_gene"].dropna().unique())
    found = {name: relations.join(pairs, genes) for name, pairs in relations.read_all([shared_data / "kg"]).items()}
    assert {n: (j.genes_seen, len(j.pairs)) for n, j in found.items()} == {
        "stringdb": (143, 75),
        "humap": (67, 7),
        "reactome": (95, 49),
        "corum": (64, 16),
        "signor": (116, 68),
    }


@pytest.mark.parametrize(
    ("text", "symbol"), [(" tp53 ", "TP53"), ("HLA A", "HLAA"), ("nan", ""), ("-", ""), (None, ""), (float("nan"), ""), (7, "")]
)
def test_symbols_are_written_one_way_and_nobody_is_empty(text: object, symbol: str) -> None:
    assert relations.normal_symbol(text) == symbol


def test_the_highest_score_of_a_pair_counts() -> None:
    found = relations.scored_pairs(["b", "A", "c", "D", None], ["a", "B ", "C", "a", "a"], [0.2, 0.9, 1.0, 0.5, 0.7])
    assert found.to_numpy().tolist() == [["A", "B", 0.9], ["A", "D", 0.5]]


def test_scores_of_string_are_shares_and_one_where_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "string_pairs.csv"
    path.write_text("gene1,gene2,combined_score\nTP53,MDM2,900\nMDM2,TP53,400\nEGFR,TP53,199\n")
    assert relations.read_string_scores(path).to_numpy().tolist() == [["MDM2", "TP53", 0.9]]
    path.write_text("gene1,gene2\nTP53,MDM2\n")
    assert relations.read_string_scores(path)["score"].tolist() == [1.0]
