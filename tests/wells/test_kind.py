"""The kinds of wells, beside a table written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.wells.tables import table

from impasto import wells
from impasto.schema import InputError


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
