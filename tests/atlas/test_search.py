"""Search: exact, the query never in its own ranking, what is not there a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.atlas import index, search
from impasto.schema import InputError


def test_search_by_well_is_a_plain_ranking_without_the_query(opened: index.Index) -> None:
    found, how = search.search(opened, kind="well", query="P1:a5", top=5, rank="wells")
    assert "P1:A05" in how
    vectors, rows = np.asarray(opened.vectors), opened.rows
    me = int(np.flatnonzero((rows["plate"] == "P1") & (rows["well"] == "A05"))[0])
    others = [i for i in np.flatnonzero(rows["level"] == "well") if i != me]
    expected = sorted(others, key=lambda i: -float(vectors[i] @ vectors[me]))[:5]
    assert found["row"].tolist() == expected
    perturbations, _ = search.search(opened, kind="well", query="P1:A05", top=11)
    assert "c4" not in set(perturbations["perturbation"])  # its consensus holds the query


def test_without_a_run_genes_and_molecules_find_what_is_annotated(opened: index.Index) -> None:
    found, how = search.search(opened, kind="gene", query="g3", top=3)
    assert "annotated with gene g3" in how
    assert not {"c6", "c7"} & set(found["perturbation"])
    with pytest.raises(InputError, match=r"has gene 'G33' \(did you mean"):
        search.search(opened, kind="gene", query="G33")
    with pytest.raises(InputError, match="has no trained run, so it cannot read text"):
        search.search(opened, kind="text", query="kinase")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("A05", "write PLATE:WELL"),
        ("PX:A05", "there is no plate 'PX'"),
        ("P1:H12", "well H12 is not on plate P1"),
        ("P1:zzz", "is not a well"),
    ],
)
def test_wells_that_are_not_there_are_sentences(opened: index.Index, query: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        search.search(opened, kind="well", query=query)
