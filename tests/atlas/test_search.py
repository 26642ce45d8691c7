"""Search: exact, the query never in its own ranking, what is not there a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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


def test_a_name_is_looked_up_whatever_its_case(opened: index.Index) -> None:
    by_name, how = search.search(opened, kind="name", query=" Compound 4", top=11)
    by_id, _ = search.search(opened, kind="name", query="c4", top=11)
    assert by_name["row"].tolist() == by_id["row"].tolist()
    assert how.startswith("profiles nearest to compound 4; ")
    assert "c4" not in set(by_name["perturbation"])
    vectors, rows = np.asarray(opened.vectors), opened.rows
    own = vectors[np.flatnonzero((rows["perturbation"] == "c4") & (rows["level"] == "well"))].mean(axis=0)
    assert by_name["score"].tolist() == pytest.approx((vectors[by_name["row"]] @ own / np.linalg.norm(own)).tolist(), abs=1e-5)
    with pytest.raises(InputError, match=r"no perturbation of this index is named 'compound 44' \(did you mean"):
        search.search(opened, kind="name", query="compound 44")
    # An index that reads no text knows its own names.
    assert search.search(opened, kind="text", query="compound 4", top=11)[0]["row"].tolist() == by_name["row"].tolist()


def test_what_a_text_names_exactly_is_answered_first(opened: index.Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    vectors, rows = np.asarray(opened.vectors), opened.rows
    consensus = np.flatnonzero(rows["level"] == "perturbation")
    far = int(np.flatnonzero((rows["perturbation"] == "c4") & (rows["level"] == "perturbation"))[0])
    away = -vectors[far]

    class Reads:
        def text(self, sentence: str) -> np.ndarray:
            return away

    monkeypatch.setattr(search, "_space", lambda opened: Reads())
    asked = replace(opened, run=tmp_path)
    found, how = search.search(asked, kind="text", query="COMPOUND 4", top=3)
    others = sorted((i for i in consensus if i != far), key=lambda i: -float(vectors[i] @ away))
    assert found["row"].tolist() == [far, *others[:2]]
    assert found["match"].tolist()[0] == "name"
    assert found["match"].isna().tolist() == [False, True, True]
    assert found["rank"].tolist() == [1, 2, 3]
    assert "'COMPOUND 4' is named here, and answered first" in how
    plain, how = search.search(asked, kind="text", query="compound", top=3)
    assert plain["row"].tolist() == others[:3]
    assert "match" not in plain
    assert "answered first" not in how
    assert search.search(asked, kind="text", query="compound 4", top=1)[0]["row"].tolist() == [far]


def test_an_index_of_perturbations_alone_is_not_searched_by_well(opened: index.Index) -> None:
    for word in ("plate", "well"):
        without = replace(opened, rows=opened.rows.drop(columns=word))
        with pytest.raises(InputError, match="has no plates and wells; it was built of perturbations only"):
            search.search(without, kind="well", query="P1:A05", top=5)
