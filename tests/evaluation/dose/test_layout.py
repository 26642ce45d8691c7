"""Which wells make a curve, by hand; doses in words are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto.evaluation.dose.layout import Dosed
from impasto.schema import InputError

ROWS = [
    ("P", "a", "trt", 1.0),  # 0
    ("P", "a", "trt", 0.0),  # 1: no dose above 0
    ("P", "a", "trt", np.nan),  # 2
    ("P", "DMSO", "negcon", 0.0),  # 3
    ("Q", "DMSO", "negcon", np.nan),  # 4
    ("Q", "a@3uM", "trt", 3.0),  # 5
    ("Q", "b", "trt", 3.0),  # 6
    ("P", None, None, 3.0),  # 7: unknown
    ("R", "a", "trt", 3.0),  # 8: a plate without controls
    ("Q", "DMSO", "negcon", 0.0),  # 9
]


def _table() -> tuple[pd.DataFrame, np.ndarray, dict[str, np.ndarray]]:
    obs = pd.DataFrame(ROWS, columns=["plate", "perturbation", "control_type", "concentration"])
    return obs, obs["plate"].to_numpy(dtype=str), {"P": np.array([3]), "Q": np.array([4, 9]), "R": np.array([], dtype=int)}


def test_wells_of_a_compound_are_those_with_a_dose_beside_controls() -> None:
    dosed = Dosed.of(*_table())
    assert {name: rows.tolist() for name, rows in dosed.rows_of.items()} == {"a": [0, 5], "b": [6]}
    assert dosed.left_out == {"a": 3}
    assert np.flatnonzero(dosed.usable).tolist() == [0, 5, 6]


def test_the_design_has_the_controls_of_the_compounds_plates() -> None:
    dosed = Dosed.of(*_table())
    rows, design = dosed.design("a")
    assert rows.tolist() == [0, 3, 5, 4, 9]
    assert design.plate.tolist() == [0, 0, 1, 1, 1]
    assert design.at.tolist() == [0, -1, 1, -1, -1]
    assert design.shapes.doses.tolist() == [1.0, 3.0]
    rows, design = dosed.design("b")
    assert (rows.tolist(), design.plate.tolist()) == ([6, 4, 9], [0, 0, 0])


def test_a_dose_in_words_is_refused_where_a_treated_well_has_it() -> None:
    obs, plates, controls = _table()
    obs["concentration"] = obs["concentration"].astype(object)
    obs.loc[3, "concentration"] = "vehicle"
    assert Dosed.of(obs, plates, controls).left_out == {"a": 3}
    obs.loc[6, "concentration"] = "high"
    with pytest.raises(InputError, match=r"1 treated wells have a concentration that is no number \(first: 'high'\)"):
        Dosed.of(obs, plates, controls)


def test_without_doses_there_is_nothing() -> None:
    obs, plates, controls = _table()
    assert not Dosed.of(obs.drop(columns="concentration"), plates, controls).rows_of
