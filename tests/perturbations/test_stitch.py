"""Links of STITCH."""

from pathlib import Path

import pytest

from impasto.perturbations import stitch
from impasto.schema import InputError


def test_stitch_keeps_strong_links(tmp_path: Path) -> None:
    path = tmp_path / "stitch.tsv"
    path.write_text("chemical1\tchemical2\ttextmining\nAAA\tBBB\t800\nCCC\tDDD\t100\n")
    assert stitch.read_stitch_chemicals(path)["score"].tolist() == [0.8]
    assert stitch.read_stitch_chemicals(path, threshold=100)["score"].tolist() == [0.8, 0.1]


def test_a_compound_whose_partner_is_not_among_the_nodes_is_still_known(tmp_path: Path) -> None:
    (tmp_path / "links.tsv").write_text("chemical1\tchemical2\ttextmining\nAAA\tBBB\t900\nCCC\tZZZ\t900\nXXX\tYYY\t900\n")
    named = stitch.read_stitch_chemicals(tmp_path / "links.tsv", among=["aaa", "bbb", "ccc"])
    assert named[["compound1", "compound2"]].to_numpy().tolist() == [["AAA", "BBB"], ["CCC", "ZZZ"]]
    (tmp_path / "keys.tsv").write_text("flat_chemical_id\tstereo_chemical_id\tinchikey\nAAA\tS1\tK-A\nCCC\tS2\tK-C\nZZZ\tS3\tK-Z\n")
    by_key = stitch.read_stitch_chemicals(tmp_path / "links.tsv", inchikeys=tmp_path / "keys.tsv", among=["K-A", "K-C"])
    assert by_key[["compound1", "compound2"]].to_numpy().tolist() == [["BBB", "K-A"], ["K-C", "ZZZ"]]


@pytest.mark.parametrize("header", ["flat_chemical_id\tstereo_chemical_id\tsource", "inchikey\tname"])
def test_a_table_of_keys_without_inchikeys_or_without_numbers_is_refused(header: str, tmp_path: Path) -> None:
    (tmp_path / "links.tsv").write_text("chemical1\tchemical2\ttextmining\nAAA\tBBB\t900\n")
    (tmp_path / "keys.tsv").write_text(f"{header}\n" + "\t".join("AAA" for _ in header.split("\t")) + "\n")
    with pytest.raises(
        InputError, match=rf"keys.tsv has the columns {header.replace(chr(9), ', ')}; STITCH's .* has inchikey and chemical ids"
    ):
        stitch.read_stitch_chemicals(tmp_path / "links.tsv", inchikeys=tmp_path / "keys.tsv")


@pytest.mark.parametrize("kind", ["flat", "stereo"])
def test_one_kind_of_numbers_is_enough(kind: str, tmp_path: Path) -> None:
    (tmp_path / "links.tsv").write_text("chemical1\tchemical2\ttextmining\nAAA\tBBB\t900\n")
    (tmp_path / "keys.tsv").write_text(f"{kind}_chemical_id\tinchikey\nAAA\tK-A\nBBB\tK-B\n")
    named = stitch.read_stitch_chemicals(tmp_path / "links.tsv", inchikeys=tmp_path / "keys.tsv")
    assert named[["compound1", "compound2"]].to_numpy().tolist() == [["K-A", "K-B"]]
