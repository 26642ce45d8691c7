"""Columns of yes and no that say what kind of well a row is."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto import wells


@pytest.mark.parametrize(
    ("heading", "values", "word"),
    [
        *((heading, ["yes", "no"], "is_control") for heading in ("Control", "is_control", "Ctrl", "isControl", "Kontrolle", "Témoin")),
        *((heading, [True, False], "is_negcon") for heading in ("Vehicle", "Neg control", "is_negcon", "Negativkontrolle", "DMSO")),
        *((heading, ["ja", "nein"], "is_poscon") for heading in ("Positive control", "is pos ctrl", "Positivkontrolle", "Témoin positif")),
        *((heading, ["x"], "is_empty") for heading in ("Empty", "empty wells", "Blank", "Leer")),
        ("Treated", ["WAHR", "FALSCH"], "is_trt"),
        *((heading, [1, 0], word) for heading, word in (("Control", "is_control"), ("Ctrl", "is_control"), ("DMSO", "is_negcon"))),
        ("Control", ["yes", "perhaps"], "is_control"),
        ("Control", ["ja", "vielleicht"], "is_control"),
        ("Control", ["y", "perhaps"], None),
        *((heading, values, None) for heading, values in (("Control", [1, 2, 3]), ("Control", [1]), ("Pos", [0, 1]), ("NC", ["1", "0"]))),
        *((heading, ["yes", "no"], None) for heading in ("Library", "Test", "Toxic", "Unknown", "12", "")),
        *((("Control", values, None)) for values in (["C", "T"], ["T"], ["DMSO", "no"], [0.25, 0.5], ["none"])),
    ],
)
def test_columns_of_yes_and_no_are_known_by_their_headings(heading: str, values: list[object], word: str | None) -> None:
    assert wells.flag_of(heading, values) == word


def test_a_control_that_nobody_calls_negative_is_one_only_where_nothing_speaks_against_it() -> None:
    def kinds(**columns: list[object]) -> tuple[list[str], dict[str, dict[str, int]]]:
        found, strange = wells.kinds_from_words(pd.DataFrame(columns))
        assert found is not None
        return found.tolist(), strange

    assert kinds(is_control=["yes", "no"], perturbation=["x", "y"]) == (["negcon", "trt"], {})
    assert kinds(is_control=["x", None, "x"], perturbation=[None, "y", None]) == (["negcon", "trt", "negcon"], {})
    several = kinds(is_control=["yes", "yes", "no", "yes"], perturbation=["DMSO", "taxol", "y", None])
    assert several == (["negcon", "unknown", "trt", "negcon"], {"is_control": {"yes": 1}})
    assert kinds(is_control=["yes", "yes"], perturbation=["a", "b"])[0] == ["unknown", "unknown"]
    typed = kinds(is_control=["yes", "yes", "yes"], control_type=["poscon", "trt", None], perturbation=["a", "b", "DMSO"])
    assert typed == (["poscon", "unknown", "negcon"], {"is_control": {"yes": 1}})


def test_columns_of_yes_and_no_that_disagree_make_a_well_unknown() -> None:
    obs = pd.DataFrame({"is_negcon": ["yes", "no", "yes", None], "is_poscon": ["no", "yes", "yes", None], "perturbation": list("abcd")})
    found, strange = wells.kinds_from_words(obs)
    assert found is not None
    assert (found.tolist(), strange) == (["negcon", "poscon", "unknown", "trt"], {"is_poscon": {"yes": 1}})
    treated, _ = wells.kinds_from_words(pd.DataFrame({"is_trt": ["yes", "no", "no"], "is_empty": [None, "x", None], "perturbation": "a"}))
    assert treated is not None
    assert treated.tolist() == ["trt", "empty", "unknown"], "what is not treated is not treated for want of another word"
