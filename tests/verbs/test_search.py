"""One question at a time, and relatives of genes only."""

from __future__ import annotations

import pytest

from impasto.schema import InputError
from impasto.verbs import search, shared


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "0 questions were asked; give exactly one of --name, --text, --smiles, --gene, --well, --image"),
        ({"text": "a", "gene": "TP53"}, "2 questions were asked"),
        ({"text": "a", "through": ["r.csv"]}, "--through expands a gene, and the question is a text"),
    ],
)
def test_questions_are_one(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        search.run({"where": "index", **values}, shared.Printing())
