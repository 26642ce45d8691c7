"""What a well is: kinds, uses, places, identities, each beside a plain loop or a table written by hand."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto import wells
from impasto.schema import InputError


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns).astype({k: "string" for k in columns if k not in ("concentration", "spared")})


# ---------------------------------------------------------------- kinds
@pytest.mark.parametrize(
    ("control", "perturbation", "kind"),
    [
        ("negcon", "DMSO", "negcon"),
        ("negcon", None, "negcon"),
        ("poscon", "AMG900", "poscon"),
        ("poscon", None, "unknown"),
        ("trt", "c1", "trt"),
        ("trt", None, "unknown"),
        ("trt", "", "unknown"),
        ("empty", None, "empty"),
        ("empty", "c1", "empty"),
        ("unknown", "c1", "unknown"),
        ("ctl_x", "c1", "unknown"),
        (None, "c1", "trt"),
        (None, None, "unknown"),
        ("", "c1", "trt"),
    ],
)
def test_kind_of_a_well_from_its_control_type_and_its_name(control: str | None, perturbation: str | None, kind: str) -> None:
    obs = table(control_type=[control], perturbation=[perturbation])
    assert wells.kinds(obs).tolist() == [kind]
    assert wells.treated(obs).tolist() == [kind in ("trt", "poscon")]
    assert wells.negative(obs).tolist() == [kind == "negcon"]
    assert wells.positive(obs).tolist() == [kind == "poscon"]
    assert wells.empty(obs).tolist() == [kind == "empty"]
    assert wells.unknown(obs).tolist() == [kind == "unknown"]


def test_without_control_types_a_named_well_is_treated_and_an_unnamed_one_unknown() -> None:
    assert wells.kinds(table(perturbation=["c1", None, ""])).tolist() == ["trt", "unknown", "unknown"]
    assert wells.kinds(table(well=["A01", "A02"])).tolist() == ["trt", "trt"]
    assert wells.kinds(table(perturbation=[])).tolist() == []


def test_kinds_of_python_objects_and_categories() -> None:
    obs = pd.DataFrame({"control_type": ["negcon", np.nan, None], "perturbation": ["DMSO", "c1", float("nan")]})
    assert wells.kinds(obs).tolist() == ["negcon", "trt", "unknown"]
    assert wells.kinds(obs.astype("category")).tolist() == ["negcon", "trt", "unknown"]


def test_counts_of_kinds_leave_out_what_is_not_there() -> None:
    obs = table(control_type=["negcon", "trt", "trt", None], perturbation=["DMSO", "a", "b", None])
    assert wells.counts_of_kinds(obs) == {"negcon": 1, "trt": 2, "unknown": 1}


def test_a_task_without_negative_controls_says_how_to_name_them() -> None:
    with pytest.raises(InputError, match=r"calling hits needs negative controls, and none is marked; .*--negcon DMSO"):
        wells.require_negative(table(perturbation=["a"]), task="calling hits")
    assert wells.marks_controls(table(control_type=["negcon"], perturbation=["DMSO"]))
    assert not wells.marks_controls(table(control_type=["trt"], perturbation=["a"]))


# ---------------------------------------------------------------- uses
def test_spared_and_held_out_wells_are_not_for_learning() -> None:
    obs = pd.DataFrame(
        {
            "control_type": ["negcon", "negcon", "trt", "trt", "trt"],
            "perturbation": ["DMSO", "DMSO", "a", "b", "c"],
            "spared": [True, False, False, False, False],
            "split": ["train", "train", "train", "validation", "test"],
        }
    )
    assert wells.spared(obs).tolist() == [True, False, False, False, False]
    assert wells.held_out(obs).tolist() == [False, False, False, True, True]
    assert wells.learnable(obs).tolist() == [False, True, True, False, False]
    assert wells.unseen_negative(obs).tolist() == [True, False, False, False, False]


def test_where_none_is_spared_all_negative_controls_judge() -> None:
    obs = pd.DataFrame({"control_type": ["negcon", "negcon", "trt"], "perturbation": ["DMSO", "DMSO", "a"]})
    assert wells.unseen_negative(obs).tolist() == [True, True, False]
    assert wells.unseen_negative(obs.assign(spared=False)).tolist() == [True, True, False]
    # A treated well that is marked by mistake judges nothing.
    assert wells.unseen_negative(obs.assign(spared=[False, False, True])).tolist() == [True, True, False]
    assert wells.learnable(obs).all()


# ---------------------------------------------------------------- places
def test_two_plates_of_one_name_in_two_batches_are_two_plates() -> None:
    obs = table(batch=["B1", "B1", "B2"], plate=["1", "2", "1"], well=["A01", "A01", "A01"])
    codes, names = wells.plates(obs)
    assert names == ["B1/1", "B1/2", "B2/1"]
    assert codes.tolist() == [0, 1, 2]
    assert wells.keys_of_plate(obs) == ["batch", "plate"]


def test_groups_by_batch_source_another_column_and_none() -> None:
    obs = table(source=["s1", "s2", "s2"], batch=["B", "B", "C"], plate=["1", "1", "1"], cell_line=["x", "y", "x"])
    assert wells.groups(obs, "batch")[1] == ["s1/B", "s2/B", "s2/C"]
    assert wells.groups(obs, "source")[1] == ["s1", "s2"]
    assert wells.groups(obs, "cell_line")[0].tolist() == [0, 1, 0]
    assert wells.groups(obs, None)[1] == [""]
    with pytest.raises(InputError, match=r"no column 'plat' \(did you mean 'plate'\?\)"):
        wells.groups(obs, "plat")


def test_plates_of_a_table_without_plates_are_one() -> None:
    assert wells.plates(table(well=["A01", "B01"]))[1] == [""]


def test_a_missing_plate_is_a_group_of_its_own_not_another_plate() -> None:
    codes, names = wells.plates(table(plate=["1", None, "1"]))
    assert names == ["", "1"]
    assert codes.tolist() == [1, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 47)), min_size=1))
def test_places_are_those_of_the_names(places: list[tuple[int, int]]) -> None:
    letters = [chr(65 + r) if r < 26 else "A" + chr(65 + r - 26) for r, _ in places]
    obs = table(well=[f"{letter}{column + 1:02d}" for letter, (_, column) in zip(letters, places, strict=True)])
    rows, columns = wells.place(obs)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == places


def test_places_need_wells() -> None:
    with pytest.raises(InputError, match="no column 'well'"):
        wells.place(table(plate=["1"]))


# ---------------------------------------------------------------- replicates and compounds
def test_dose_is_part_of_a_replicate_only_where_a_perturbation_has_several() -> None:
    obs = table(perturbation=["a", "a", "b", "b", "DMSO", None]).assign(concentration=[1.0, 10.0, 3.0, 3.0, 0.0, 1.0])
    assert wells.replicates(obs).fillna("-").tolist() == ["a@1", "a@10", "b", "b", "DMSO", "-"]
    assert wells.replicates(obs, pool_doses=True).fillna("-").tolist() == ["a", "a", "b", "b", "DMSO", "-"]


def test_the_dose_of_another_perturbation_does_not_matter_and_a_missing_one_stays_apart() -> None:
    obs = table(perturbation=["a", "a", "a"]).assign(concentration=[0.04, 1.1, None])
    assert wells.replicates(obs).tolist() == ["a@0.04", "a@1.1", "a"]
    assert wells.has_doses(obs)
    assert not wells.has_doses(obs.assign(concentration=[1.0, 1.0, 1.0]))
    assert not wells.has_doses(obs.drop(columns="concentration"))
    # The dose of a control is no dose of a treatment.
    controls = table(perturbation=["a", "DMSO"], control_type=["trt", "negcon"]).assign(concentration=[1.0, 0.0])
    assert not wells.has_doses(controls)


def test_an_inchikey_never_overrides_the_name_that_the_user_gave() -> None:
    obs = table(perturbation=["a_1uM", "a_10uM"], inchikey=["K", "K"])
    assert wells.replicates(obs).tolist() == ["a_1uM", "a_10uM"]
    assert wells.shared_inchikeys(obs) == 1
    assert wells.shared_inchikeys(obs.assign(perturbation="a")) == 0
    assert wells.shared_inchikeys(obs.drop(columns="inchikey")) == 0


def test_a_compound_is_one_at_all_its_doses_and_under_all_its_names() -> None:
    obs = table(
        perturbation=["AZ138@3uM", "AZ138@0.3 uM", "AZ138", "B1", "B2", "B3", None, "x@y"],
        inchikey=[None, None, None, "K", "K", "", "K", None],
    )
    assert wells.compounds(obs).fillna("-").tolist() == ["AZ138", "AZ138", "AZ138", "B1", "B1", "B3", "-", "x@y"]


def test_compounds_are_linked_through_several_keys() -> None:
    # a and b share K, b and c share L: all three are one molecule.
    obs = table(perturbation=["c", "b", "b", "a", "d"], inchikey=["L", "L", "K", "K", "M"])
    assert wells.compounds(obs).tolist() == ["a", "a", "a", "a", "d"]


def test_merging_by_inchikey_names_what_it_merged() -> None:
    obs = table(perturbation=["b", "a", "c", None, "a"], inchikey=["K", "K", "L", "K", None])
    names, merged = wells.merge_by_inchikey(obs)
    assert names.fillna("-").tolist() == ["a", "a", "c", "-", "a"]
    assert merged == {"a": ["a", "b"]}
    with pytest.raises(InputError, match="needs the column 'inchikey'"):
        wells.merge_by_inchikey(table(perturbation=["a"]))


# ---------------------------------------------------------------- values
def test_values_that_are_not_finite_are_refused_with_the_command_that_helps() -> None:
    ad = anndata.AnnData(np.array([[1.0, np.nan], [np.inf, 1.0]], dtype=np.float32), var=pd.DataFrame(index=["f1", "f2"]))
    with pytest.raises(InputError, match=r"scoring: 2 features hold missing or infinite values .first: f1.; .*--method select"):
        wells.finite(ad, task="scoring")
    whole = anndata.AnnData(np.ones((2, 2), dtype=np.float32))
    assert wells.finite(whole, task="scoring") is whole.X


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match=r"sparing needs the column 'well', and the profiles have plate; .*--set columns.well=NAME"):
        wells.require(table(plate=["1"]), ["plate", "well"], task="sparing")
    wells.require(table(plate=["1"]), ["plate"], task="sparing")


@pytest.mark.parametrize(
    "written", [[True, False, False], [True, None, False], ["True", "False", ""], ["true", None, "no"], [1.0, 0.0, np.nan]]
)
def test_spared_is_read_from_booleans_text_and_numbers(written: list[object]) -> None:
    assert wells.spared(pd.DataFrame({"spared": pd.Series(written, dtype=object)})).tolist() == [True, False, False]


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
        *((word, "negcon") for word in ("Negativkontrolle", "Lösungsmittel", "unbehandelt", "Témoin négatif", "non traité")),
        *((word, "poscon") for word in ("Positivkontrolle", "Contrôle positif")),
        *((word, "trt") for word in ("Probe", "Échantillon")),
        *((word, "empty") for word in ("leer", "Vide", "empty", "blank", "media only", "Blank wells", "unused")),
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


def test_pooled_doses_are_one_where_the_name_holds_the_dose() -> None:
    obs = table(perturbation=["AZ138@3uM", "AZ138@0.1uM", "b", None])
    assert wells.replicates(obs).tolist()[:3] == ["AZ138@3uM", "AZ138@0.1uM", "b"]
    assert wells.replicates(obs, pool_doses=True).tolist()[:3] == ["AZ138", "AZ138", "b"]
    assert wells.replicates(obs, pool_doses=True).isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("heading", "values", "word"),
    [
        *((heading, ["yes", "no"], "is_control") for heading in ("Control", "is_control", "Ctrl", "isControl", "Kontrolle", "Témoin")),
        *((heading, [True, False], "is_negcon") for heading in ("Vehicle", "Neg control", "is_negcon", "Negativkontrolle", "DMSO")),
        *((heading, ["ja", "nein"], "is_poscon") for heading in ("Positive control", "is pos ctrl", "Positivkontrolle", "Témoin positif")),
        *((heading, ["x"], "is_empty") for heading in ("Empty", "empty wells", "Blank", "Leer")),
        ("Treated", ["WAHR", "FALSCH"], "is_trt"),
        ("Control", [1, 0], "is_control"),
        ("Control", ["yes", "perhaps"], "is_control"),
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
