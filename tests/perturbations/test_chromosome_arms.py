"""The table of arms: spelling, gaps, genes on two arms, words for expressed."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.perturbations import chromosome_arms
from impasto.schema import InputError


def written(folder: Path, text: str) -> Path:
    path = folder / "arms.csv"
    path.write_text(text)
    return path


def test_genes_are_in_normal_spelling_and_lines_without_an_arm_are_none(tmp_path: Path) -> None:
    table = chromosome_arms.read(written(tmp_path, "Gene,Arm,Expressed\negfr ,7p,no\nTP53,17p,Yes\nTP53,17p,Yes\nABC1,,no\nKRAS,12p,\n"))
    assert table["gene"].tolist() == ["EGFR", "KRAS", "TP53"]
    assert table["arm"].tolist() == ["7p", "12p", "17p"]
    assert table["expressed"].isna().tolist() == [False, True, False]
    assert table["expressed"].dropna().tolist() == [False, True]
    assert list(chromosome_arms.read(written(tmp_path, "gene,arm\nA,1p\nB,1p\n"))) == ["gene", "arm"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gene,amr\nA,1p\nB,1q\n", "no column 'arm'"),
        ("gene,arm\nA,1p\nA,1q\n", "the gene A stands on 2 lines that differ"),
        ("gene,arm\nA,\nB,\n", "no line has both a gene and an arm"),
        ("gene,arm,expressed\nA,1p,maybe\nB,1p,no\n", "holds 'maybe'; write yes or no"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        chromosome_arms.read(written(tmp_path, text))
