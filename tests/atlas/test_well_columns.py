"""Columns of wells: their order and names, one word a plate, and the names that have colours."""

from __future__ import annotations

import pandas as pd

from impasto.atlas import arrow_files, well_columns


def test_columns_stand_in_one_order_under_short_names() -> None:
    obs = pd.DataFrame(
        {
            "own": ["z"],
            "perturbation_name": ["n"],
            "perturbation": ["p"],
            "well": ["A01"],
            "plate": ["P"],
            "concentration": ["0.5"],
            "smiles": ["C"],
            "spared": ["True"],
            "control_type": [None],
            "level": ["well"],
        }
    )
    made = well_columns.of_wells(obs)
    assert list(made) == ["plate", "well", "perturbation", "name", "control_type", "spared", "concentration", "own"]
    assert made.iloc[0].tolist() == ["P", "A01", "p", "n", "trt", True, 0.5, "z"]


def test_a_plate_has_the_shortest_word_that_no_other_has() -> None:
    def names(**columns: list[str]) -> list[str]:
        return well_columns.names_of_plates(pd.DataFrame(columns)).tolist()

    assert names(plate=["1", "2", "1"]) == ["1", "2", "1"]
    assert names(batch=["a", "a", "b"], plate=["1", "2", "3"]) == ["1", "2", "3"]
    assert names(batch=["a", "b", "b"], plate=["1", "1", "2"]) == ["a/1", "b/1", "b/2"]
    # A plate whose own name holds a slash keeps it.
    assert names(batch=["a", "a"], plate=["x/1", "y/1"]) == ["x/1", "y/1"]
    assert names(source=["s", "t"], batch=["a", "a"], plate=["1", "1"]) == ["s/a/1", "t/a/1"]


def test_ten_names_have_colours_the_commonest_first_ties_by_name() -> None:
    words = ["c", "c", "b", "a", "a", None, None, None]
    table = arrow_files.encoded(pd.DataFrame({"word": words, "number": range(8), "other": ["x"] * 8}))
    assert well_columns.commonest(table, most=2) == {"word": ["a", "c"], "other": ["x"]}
    assert well_columns.commonest(table, most=10, without=["other"]) == {"word": ["a", "c", "b"]}


def test_words_that_a_ranking_or_the_perturbations_have_are_left_out() -> None:
    obs = pd.DataFrame(
        {"plate": ["P"], "row": [1], "score": [2], "treatment": ["T"], "perturbation_name": ["n"], "name": ["other"], "hit": [True]}
    )
    made = well_columns.of_wells(obs)
    assert list(made) == ["plate", "name"]
    assert made["name"].tolist() == ["n"]
