"""Who is tested, who centres and who judges; what is left out; which tables are refused."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.screens import screen

from impasto import identity
from impasto.evaluation.design import Design, design
from impasto.schema import InputError


def of(data: anndata.AnnData, *, pool_doses: bool = False, by_batch: bool = False) -> Design:
    return design(data, pool_doses=pool_doses, by_batch=by_batch, seed=0)


def test_spared_controls_judge_and_the_others_centre() -> None:
    data = screen(perturbations=3, controls=6, spared=2, plates=2)
    where = of(data)
    assert where.names == ["p00", "p01", "p02"]
    assert [rows.tolist() for rows in where.members] == [[0, 9], [1, 10], [2, 11]]
    assert np.flatnonzero(where.judging).tolist() == [3, 4, 12, 13]
    assert np.flatnonzero(where.fitting).tolist() == [5, 6, 7, 8, 14, 15, 16, 17]
    assert where.controls_of_plates().tolist() == [4, 4]
    assert where.judges().sum() == 4
    assert (where.learned, where.set_aside) == (False, False)


def test_in_a_table_that_nothing_was_learned_from_half_are_set_aside_where_there_are_sixteen() -> None:
    where = of(screen(perturbations=3, controls=16, plates=2, whole=True))
    assert where.set_aside
    assert [int(where.judging[where.plate == code].sum()) for code in (0, 1)] == [8, 8]
    # The same positions on both plates.
    assert len(set(where.place[where.judging])) == 8
    assert where.judges().sum() == 32  # a test by exchange may use them all
    few = of(screen(perturbations=3, controls=15, plates=2, whole=True))
    assert not few.judging.any()
    assert few.judges().sum() == 30


def test_after_a_correction_that_learned_from_all_controls_none_judges() -> None:
    data = screen(perturbations=3, controls=16, whole=True)
    identity.record_step(data, {"method": "clip"})
    assert not of(data).learned
    identity.record_step(data, {"method": "standardize"})
    assert of(data).learned
    assert not of(data).judging.any()
    spared = screen(perturbations=3, controls=16, spared=8)
    identity.record_step(spared, {"method": "standardize"})
    assert not of(spared).learned


def test_wells_come_by_plate_and_place_whatever_the_order_of_the_rows() -> None:
    data = screen(perturbations=3, controls=4, spared=2)
    order = np.random.default_rng(0).permutation(data.n_obs)
    where, mixed = of(data), of(data[order].copy())
    for own, other in zip(where.members, mixed.members, strict=True):
        assert data.obs_names[own].tolist() == data[order].obs_names[other].tolist()


def test_plates_without_controls_and_wells_without_a_name_are_left_out_and_counted() -> None:
    data = screen(perturbations=3, controls=4, spared=2, plates=2)
    data.obs.loc[(data.obs["plate"] == "P1") & (data.obs["control_type"] == "negcon"), "control_type"] = "empty"
    data.obs.loc[data.obs.index[0], "perturbation"] = None
    where = of(data)
    assert [rows.tolist() for rows in where.members] == [[1], [2]]
    assert where.left_out == [
        "1 wells of which nobody said what was done to them",
        "3 treated wells on plates without negative controls to centre them by (X/P1)",
    ]


def test_single_doses_are_a_family_of_their_own_and_batches_are_where_asked() -> None:
    data = screen(perturbations=4, controls=4, spared=2, plates=2)
    data.obs["concentration"] = np.where(data.obs["perturbation"] == "p00", np.where(data.obs["plate"] == "P0", 1.0, 10.0), 3.0)
    where = of(data)
    assert dict(zip(where.names, where.families, strict=True)) == {
        "p00@1": "single doses",
        "p00@10": "single doses",
        "p01": "run",
        "p02": "run",
        "p03": "run",
    }
    assert of(data, pool_doses=True).families == ["run"] * 4
    data.obs["batch"] = np.where(data.obs["plate"] == "P0", "X", "Y")
    assert of(data, by_batch=True).families == ["single doses, batch X", "single doses, batch Y", *["batch X+Y"] * 3]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda obs: obs.assign(control_type=np.where(obs.index == "5", "negcon", "trt")), "no plate has two negative controls"),
        (lambda obs: obs.assign(spared=obs["control_type"] == "negcon"), "all negative controls are spared"),
        (lambda obs: obs.assign(control_type=obs["control_type"].replace("trt", "empty")), "no treated well stands on a plate"),
        (lambda obs: obs.assign(well="A01"), "needs one row a well, and 18 of 21 rows stand in a well that another row has too"),
    ],
)
def test_what_cannot_be_tested_is_one_sentence(change, sentence: str) -> None:
    data = screen(perturbations=3, controls=4, spared=2)
    data.obs = pd.DataFrame(change(data.obs))
    with pytest.raises(InputError, match=sentence):
        of(data)


def test_a_table_without_wells_is_tested_without_positions() -> None:
    data = screen(perturbations=3, controls=16, whole=True)
    data.obs = data.obs.drop(columns="well")
    where = of(data)
    assert where.place is None
    assert not where.judging.any()
