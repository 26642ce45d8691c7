"""What laboratories write for the kinds of wells."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto import wells
from impasto.schema import InputError


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *(
            (word, "negcon")
            for word in ("negcon", "ctl_vehicle", "negative_control", "Negative Control", "EMPTY_control", "vehicle", "DMSO")
        ),
        *((word, "negcon") for word in ("non-targeting", "Non Targeting", "control", "DMSO 0.1 %", "untreated", "negcon_orf")),
        *((word, "negcon") for word in ("Neg. Ctrl", "negative controls", "DMSO ctrl", "Solvent control", "Vehicle wells", "neutral ctrl")),
        *((word, "poscon") for word in ("Pos Ctrl", "positive controls", "High control wells")),
        *((word, "poscon") for word in ("poscon", "poscon_cp", "poscon_diverse", "Positive control", "pos")),
        *((word, "trt") for word in ("trt", "trt_cp", "treatment", "Sample", "compound")),
        *((word, "empty") for word in ("empty", "blank", "media only", "Blank wells", "unused")),
        *((word, None) for word in ("ctl_x", "reference", "12", "")),
    ],
)
def test_words_of_kinds(word: str, kind: str | None) -> None:
    assert wells.kind_of_word(word) == kind


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


def test_controls_by_name() -> None:
    obs = pd.DataFrame({"perturbation_name": ["DMSO", "dmso ", "x", None], "perturbation": ["B1", "B1", "B2", None]})
    assert wells.mark_negative(obs, ["DMSO"], where="t")["control_type"].fillna("").tolist() == ["negcon", "negcon", "", ""]
    assert wells.mark_negative(obs, ["B1", "x"], where="t")["control_type"].fillna("").tolist() == ["negcon", "negcon", "negcon", ""]
    assert wells.likely_negative(obs) == {"DMSO": 1, "dmso ": 1}
    with pytest.raises(InputError, match=r"t: no well is named 'DSMO' \(did you mean 'DMSO'\?\)"):
        wells.mark_negative(obs, ["DSMO"], where="t")
    assert wells.likely_negative(pd.DataFrame({"perturbation": ["a"]})) == {}


def test_a_column_of_answers_may_have_gaps() -> None:
    known, strange = wells.kinds_from_words(pd.DataFrame({"is_negcon": [None, "yes", None], "perturbation": ["a", "b", None]}))
    assert known is not None
    assert (known.tolist(), strange) == (["trt", "negcon", "unknown"], {})


def test_an_answer_that_is_neither_yes_nor_no_leaves_what_another_column_says() -> None:
    obs = pd.DataFrame({"is_negcon": ["maybe", "maybe", None], "control_type": ["poscon", None, None], "perturbation": ["a", "b", "c"]})
    known, strange = wells.kinds_from_words(obs)
    assert known is not None
    assert (known.tolist(), strange) == (["poscon", "unknown", "trt"], {"is_negcon": {"maybe": 2}})
