"""Wells annotated: controls named, names merged where the user says so, what is unknown counted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto import wells
from impasto.plates import annotate
from impasto.plates.annotate import Wishes
from impasto.schema import InputError


def obs(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"plate": "P1", "well": ["A01", "A02", "A03", "A04"], **columns}).astype({"plate": "string", "well": "string"})


def annotated(frame: pd.DataFrame, **wishes: object) -> annotate.Annotated:
    return annotate.annotate(frame, [], wishes=Wishes(**wishes), where="t")  # type: ignore[arg-type]


def sentences(frame: pd.DataFrame) -> list[str]:
    return [problem.sentence for problem in annotated(frame).problems]


def test_controls_are_offered_by_name_and_marked_where_the_user_says_so() -> None:
    frame = obs(perturbation=["DMSO", "a", "b", "DMSO"])
    (problem,) = annotated(frame).problems
    assert problem.sentence == "no negative control is marked; 2 wells are named DMSO: --negcon DMSO"
    assert problem.options == ("--negcon", "DMSO")
    marked = annotated(frame, negcon=["dmso"])
    assert wells.counts_of_kinds(marked.obs) == {"negcon": 2, "trt": 2}
    assert marked.problems == ()
    spaced = annotated(obs(perturbation=["negative control", "a", "b", "c"])).problems[0]
    assert spaced.sentence.endswith("--negcon 'negative control'")
    assert spaced.options == ("--negcon", "negative control")


def test_words_that_are_not_known_are_told_with_their_counts() -> None:
    frame = obs(perturbation=["a", "b", "c", "d"], control_type=["ctl_x", "ctl_x", "negcon", None])
    sentence = (
        "control_type: 2 rows hold 'ctl_x', which is no kind of control that is known; they are unknown: neither treated nor controls"
    )
    assert sentences(frame) == [sentence]
    assert annotated(frame).unknown_words == {"control_type": {"ctl_x": 2}}
    assert wells.kinds(annotated(frame).obs).tolist() == ["unknown", "unknown", "negcon", "trt"]


def test_wells_that_nobody_names_are_unknown_and_never_one_perturbation() -> None:
    frame = obs(perturbation=["a", None, "", "DMSO"], control_type=[None, None, None, "vehicle"])
    result = annotated(frame)
    assert wells.counts_of_kinds(result.obs) == {"negcon": 1, "trt": 1, "unknown": 2}
    assert annotate.inferred(result.obs) == [
        "wells: 1 negcon, 1 trt, 2 unknown",
        "2 of the unknown wells name no perturbation (an empty cell, or NA, None, null)",
    ]
    assert sentences(obs())[0].startswith("no column means perturbation; where there is one, say so: --set columns.perturbation=NAME")


def test_shared_inchikeys_are_counted_and_merged_only_where_the_user_says_so() -> None:
    frame = obs(perturbation=["b", "a", "c", "DMSO"], inchikey=["K1", "K1", "K2", None], control_type=[None, None, None, "negcon"])
    apart = annotated(frame)
    assert apart.obs["perturbation"].tolist() == ["b", "a", "c", "DMSO"]
    assert "1 InChIKeys stand for more than one perturbation; they stay apart unless you say --same-as inchikey" in annotate.inferred(
        apart.obs
    )
    merged = annotated(frame, same_as="inchikey")
    assert merged.obs["perturbation"].tolist() == ["a", "a", "c", "DMSO"]
    assert merged.notes == ("same InChIKey, one perturbation 'a': a, b",)
    with pytest.raises(InputError, match="needs the column 'inchikey'"):
        annotated(obs(perturbation="a"), same_as="inchikey")


def test_doses_are_told() -> None:
    frame = obs(perturbation=["a", "a", "b", "DMSO"], concentration=[1.0, 10.0, 1.0, 0.0], control_type=[None, None, None, "negcon"])
    result = annotated(frame).obs
    assert annotate.several_doses(result) == {"a": 2}
    assert "1 perturbations stand at several doses (up to 2); wells are replicates at one dose (perturbation@dose)" in annotate.inferred(
        result
    )


def test_what_is_read_of_a_platemap_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("made by X\nWell;Compound;Type\nA01;a;sample\nA02;DMSO;vehicle\n")
    maps = annotate.read_maps([path], columns={}, sheet=None, encoding=None)
    result = annotate.annotate(obs(), maps, wishes=Wishes(), where="t")
    assert result.notes == (
        f"{path}: separator ';'",
        f"{path}: 1 lines above the header left out",
        f"{path}: well = Well, perturbation_name = Compound, control_type = Type",
        f"{path}: by well: 2 of 4 wells found, 2 not",
    )
    assert wells.kinds(result.obs).tolist() == ["trt", "negcon", "unknown", "unknown"]
