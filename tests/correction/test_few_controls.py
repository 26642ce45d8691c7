"""Plates whose scale rests on few controls are said, and only these."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.screens import screen

from impasto.correction import CORRECTORS, few_controls
from impasto.correction.steps import correct, correct_dataset, settings_of
from impasto.dataset import open_dataset, write

FEW = few_controls.FEW


def warned(steps: list[object], **layout: object) -> list[str]:
    return few_controls.warned(screen(perturbations=4, **layout).obs, [settings_of(step) for step in steps])


def test_a_plate_with_one_control_less_is_named_with_its_number() -> None:
    assert warned(["standardize"], controls=FEW, spared=0) == []
    (said,) = warned(["standardize"], controls=FEW - 1, spared=0)
    assert said.startswith(f"Centre and scale of 3 of 3 plates rest on fewer than {FEW} negative controls (X/P0 {FEW - 1}, ")
    assert f"median {FEW - 1}" in said


def test_spared_and_held_out_controls_teach_nothing() -> None:
    assert warned(["standardize"], controls=FEW + 4, spared=4) == []
    assert len(warned(["standardize"], controls=FEW + 4, spared=5)) == 1
    obs = screen(perturbations=4, controls=FEW, spared=0).obs
    obs["split"] = np.where((obs["plate"] == "P1") & (obs["well"] == "A05"), "test", "train")
    assert "1 of 3 plates" in few_controls.warned(obs, [settings_of("standardize")])[0]


def test_sites_of_a_well_are_one_control() -> None:
    obs = screen(perturbations=4, controls=FEW - 1, spared=0).obs
    twice = obs.iloc[np.repeat(np.arange(len(obs)), 2)]
    assert few_controls.warned(twice, [settings_of("standardize")])[0].count(f" {FEW - 1}") == 4


@pytest.mark.parametrize(
    ("step", "rests"),
    [
        ("standardize", True),
        ({"method": "standardize", "statistic": "mean"}, True),
        ({"method": "standardize", "on": "all"}, False),
        ({"method": "standardize", "by": "batch"}, False),
        ("sphering", False),
        ("harmony", False),
        ("clip", False),
        ("position", False),
    ],
)
def test_only_steps_that_learn_a_plate_from_its_controls(step: object, rests: bool) -> None:
    assert few_controls.rests_on_controls(*settings_of(step)) == rests
    assert bool(warned(["clip", step], controls=4, spared=0)) == rests
    assert "standardize" in CORRECTORS


def test_it_is_said_once_and_stands_in_the_receipt_of_tables_and_folders(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    table = screen(perturbations=8, controls=5, spared=0, width=4)
    after, fitted, receipt = correct(table, ["clip", "standardize", "standardize"])
    (said,) = receipt["warnings"]
    spoken = capsys.readouterr()
    assert (spoken.out + spoken.err).count(said) == 1
    assert correct(table, fitted=fitted)[2]["warnings"] == [said]
    assert "warnings" not in correct(screen(perturbations=8, controls=FEW, spared=0, width=4), ["standardize"])[2]
    write(table, tmp_path / "in.plates")
    _, by_plate = correct_dataset(open_dataset(tmp_path / "in.plates"), ["clip", "standardize"], tmp_path / "out.plates")
    assert by_plate["warnings"] == [said]
    assert after.n_obs == table.n_obs
