"""Plain lists of pairs, compressed, marked, or wrong."""

import gzip
from pathlib import Path

import pytest
from tests.perturbations.related import pairs_of

from impasto.perturbations.relation_tables import read_pairs
from impasto.schema import InputError


def test_a_list_is_read_compressed_with_a_mark_of_its_encoding_and_whatever_else_it_tells(tmp_path: Path) -> None:
    text = 'score\tGene1\tgene2 \n1\t"TP53"\tMDM2\n\n2\tNA\tEGFR\n3\t7157\t1956\n'
    path = tmp_path / "mine_pairs.tsv.gz"
    path.write_bytes(gzip.compress(text.encode("utf-8-sig")))
    assert pairs_of(read_pairs(path)) == [("1956", "7157"), ("MDM2", "TP53")]


def test_a_row_with_too_many_fields_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine_pairs.csv"
    path.write_text("gene1,gene2\nTP53,MDM2,EGFR\n")
    with pytest.raises(InputError, match="cannot be read as a table of relations"):
        read_pairs(path)
    path.write_text("")
    with pytest.raises(InputError, match="a list of relations has gene1, gene2"):
        read_pairs(path)


def test_a_table_without_pairs_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "mine_pairs.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="columns a, b"):
        read_pairs(path)
