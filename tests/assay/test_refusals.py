"""Each refusal names what it found and what helps; what is fine is not refused."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.assay.layouts import assay

from impasto import spelling
from impasto.assay import refusals
from impasto.coverage import Coverage
from impasto.schema import InputError


def refused(obs: pd.DataFrame, unit: str = "uM") -> str:
    with pytest.raises(InputError) as error:
        refusals.refuse(obs, dose_unit=unit)
    return str(error.value)


def test_a_whole_assay_is_not_refused() -> None:
    refusals.refuse(assay(), dose_unit="")
    refusals.refuse(assay(doses=(0.1, 1.0, 10.0), compounds=8), dose_unit="uM")


def test_names_that_look_like_a_control_are_offered() -> None:
    obs = assay().drop(columns="control_type")
    assert "48 wells are named DMSO: --control DMSO" in refused(obs)
    obs["perturbation"] = obs["perturbation"].replace("DMSO", "buffer 7")
    sentence = refused(obs)
    assert "--control NAME" in sentence
    assert "buffer 7 (48)" in sentence


def test_every_plate_needs_two_controls() -> None:
    obs = assay()
    second = obs.index[(obs["plate"] == "P2") & (obs["control_type"] == "negcon")]
    one = obs.drop(second[1:])
    assert "P2 has 1" in refused(one)
    assert "P1" not in refused(one).split(":")[1].split(";")[0]
    refusals.refuse(obs.drop(second[2:]), dose_unit="")
    assert "P2 has 0" in refused(obs.drop(second))


def test_a_well_twice_is_refused_and_named() -> None:
    obs = assay()
    doubled = pd.concat([obs, obs.iloc[[3]]])
    sentence = refused(doubled)
    assert "2 of 89 rows" in sentence
    assert f"P1 {obs['well'].iloc[3]}" in sentence
    assert "im.pp.aggregate" in sentence


def test_the_same_well_on_two_batches_is_no_double() -> None:
    obs = assay(plates=1)
    refusals.refuse(pd.concat([obs.assign(batch="a"), obs.assign(batch="b")]), dose_unit="")


def test_rows_without_a_well_or_a_plate() -> None:
    obs = assay()
    obs.loc[0, "well"] = None
    assert "1 of 88 rows name no well" in refused(obs)
    assert "--set columns.plate=NAME" in refused(assay().drop(columns="plate"))
    assert "--platemap FILE" in refused(assay().drop(columns=["perturbation", "control_type"]))


def test_nothing_treated() -> None:
    obs = assay()
    assert "no well is treated" in refused(obs[obs["control_type"] == "negcon"])


@pytest.mark.parametrize(("unit", "doses", "fine"), [("", (1.0,), True), ("", (1.0, 3.0), False), ("uM", (1.0, 3.0), True)])
def test_doses_need_a_unit_where_they_differ(unit: str, doses: tuple[float, ...], fine: bool) -> None:
    obs = assay(doses=doses, compounds=10)
    if fine:
        refusals.refuse(obs, dose_unit=unit)
    else:
        assert "--dose-unit uM" in refused(obs, unit)


def test_doses_of_two_compounds_differ_too() -> None:
    obs = assay()
    obs.loc[obs["perturbation"] == "C00", "concentration"] = 5.0
    assert "1, 5" in refused(obs, "")


def test_each_cell_line_of_a_plate_needs_controls_of_its_own() -> None:
    obs = assay().assign(cell_line="U2OS")
    obs.loc[obs["perturbation"] == "C01", "cell_line"] = "A549"
    assert "no 2 negative controls of A549" in refused(obs, "")
    controls = obs.index[(obs["control_type"] == "negcon")]
    obs.loc[controls[::2], "cell_line"] = "A549"
    refusals.refuse(obs, dose_unit="")


def test_two_lines_on_two_plates_are_fine() -> None:
    obs = assay()
    refusals.refuse(obs.assign(cell_line=obs["plate"].map({"P1": "U2OS", "P2": "A549"})), dose_unit="")


@pytest.mark.parametrize(
    ("described", "present", "said"), [(79, 100, "only 79 of 100 wells of the plates"), (100, 79, "only 79 of 100 wells of the platemap")]
)
def test_a_platemap_of_other_plates(described: int, present: int, said: str) -> None:
    covers = Coverage(100, described, 100, present, ("P1 A01", "P1 A02"), ("P9 B01",))
    with pytest.raises(InputError, match=said) as error:
        refusals.refuse_uncovered([covers])
    assert ("P1 A01" if described < 100 else "P9 B01") in str(error.value)
    assert "--partial" in str(error.value)
    refusals.refuse_uncovered([Coverage(100, 80, 100, 80, (), ())])


def test_doses_in_words_would_make_replicates_of_different_doses() -> None:
    obs = assay(doses=(1.0, 3.0), compounds=10)
    written = obs.assign(concentration=obs["concentration"].map({1.0: "low", 3.0: "high", 0.0: "none"}))
    sentence = refused(spelling.normal_values(written, where="t"), "")
    assert "40 treated wells have a dose that is no number (high, low)" in sentence
