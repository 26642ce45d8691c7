"""The kind of each well, from all columns that say one."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto import wells


@pytest.mark.parametrize(
    "column", [["yes", "no"], ["True", "False"], ["1", "0"], ["t", "f"], [True, False], [1, 0], ["Y", "N"], [1.0, 0.0]]
)
def test_yes_and_no_in_many_words(column: list[object]) -> None:
    found, strange = wells.kinds_from_words(pd.DataFrame({"is_negcon": column, "perturbation": ["a", "b"]}))
    assert found is not None
    assert (found.tolist(), strange) == (["negcon", "trt"], {})


def test_words_that_are_not_known_are_unknown_and_counted() -> None:
    obs = pd.DataFrame(
        {
            "control_type": ["ctl_x", "negcon", None, None, "ctl_x"],
            "is_negcon": [None, "no", "maybe", None, "yes"],
            "perturbation": ["a", "b", "c", None, "e"],
        }
    )
    found, strange = wells.kinds_from_words(obs)
    assert found is not None
    assert found.tolist() == ["unknown", "negcon", "unknown", "unknown", "negcon"]
    assert strange == {"is_negcon": {"maybe": 1}, "control_type": {"ctl_x": 1}}


def test_types_of_perturbations_are_kinds_only_where_they_tell_controls_apart() -> None:
    def kinds(*words: object) -> list[str] | None:
        found, _ = wells.kinds_from_words(pd.DataFrame({"perturbation_type": words, "perturbation": "x"}))
        return None if found is None else found.tolist()

    assert kinds("compound", "orf") is None
    assert kinds("none", "none") is None
    assert kinds("orf_allele", "orf_allele") is None
    assert kinds("trt_cp", "ctl_vehicle", "none") == ["trt", "negcon", "trt"]
    assert kinds("compound", "control", "odd") == ["trt", "negcon", "unknown"]


def test_a_column_of_answers_may_have_gaps() -> None:
    known, strange = wells.kinds_from_words(pd.DataFrame({"is_negcon": [None, "yes", None], "perturbation": ["a", "b", None]}))
    assert known is not None
    assert (known.tolist(), strange) == (["trt", "negcon", "unknown"], {})


def test_an_answer_that_is_neither_yes_nor_no_leaves_what_another_column_says() -> None:
    obs = pd.DataFrame({"is_negcon": ["maybe", "maybe", None], "control_type": ["poscon", None, None], "perturbation": ["a", "b", "c"]})
    known, strange = wells.kinds_from_words(obs)
    assert known is not None
    assert (known.tolist(), strange) == (["poscon", "unknown", "trt"], {"is_negcon": {"maybe": 2}})
