"""Pairs of genes: symbols written one way, scores, and what a table of genes shares with them."""

import numpy as np
import pandas as pd
import pytest

from impasto.perturbations import gene_pairs


def test_join_counts_genes_that_nobody_knows() -> None:
    pairs = gene_pairs.normal_pairs(["A", "B"], ["B", "Z"])
    joined = gene_pairs.join(pairs, ["A", "B", "C"])
    assert joined.pairs.to_numpy().tolist() == [[0, 1]]
    assert joined.unknown == ["C"]
    assert joined.genes_seen == 2
    plain = pd.DataFrame({"gene1": ["A", "B"], "gene2": ["B", "Z"]}, dtype=object)
    assert gene_pairs.join(plain, ["A", "B", "C"]).pairs.equals(joined.pairs)


@pytest.mark.parametrize(
    ("text", "symbol"), [(" tp53 ", "TP53"), ("HLA A", "HLAA"), ("nan", ""), ("-", ""), (None, ""), (float("nan"), ""), (7, "")]
)
def test_symbols_are_written_one_way_and_nobody_is_empty(text: object, symbol: str) -> None:
    assert gene_pairs.normal_symbol(text) == symbol


def test_the_highest_score_of_a_pair_counts() -> None:
    names = ["b", "A", "c", "D", "a", "B ", "C"]
    codes = np.array([0, 1, 2, 3, -1, 4, 5, 6, 4, 4])
    found = gene_pairs.coded_scores(codes, names, np.array([0.2, 0.9, 1.0, 0.5, 0.7]))
    assert found.to_numpy().tolist() == [["A", "B", 0.9], ["A", "D", 0.5]]
    assert gene_pairs.coded_scores(codes, names, np.array([2, 9, 10, 5, 7]), best=10)["score"].tolist() == [0.9, 0.5]
