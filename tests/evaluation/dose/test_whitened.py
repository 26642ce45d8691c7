"""Whitening of a compound's wells: features at one scale about the plate's controls, by residuals of other compounds only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impasto.evaluation import noise
from impasto.evaluation.dose import whitened
from impasto.evaluation.dose.layout import Dosed
from impasto.evaluation.dose.whitened import Whitened


def _table(compounds: int) -> tuple[np.ndarray, pd.DataFrame, Dosed]:
    rows = [(f"P{p}", "DMSO", "negcon", np.nan) for p in range(3) for _ in range(4)]
    rows += [(f"P{p}", f"c{c}", "trt", dose) for p in range(3) for c in range(compounds) for dose in (0.1, 1.0, 3.0, 10.0)]
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type", "concentration"])
    values = np.random.default_rng(0).normal(size=(len(obs), 5)) * np.array([1, 10, 0.1, 1, 0]) + 100
    plates = obs["plate"].to_numpy(dtype=str)
    controls = {p: np.flatnonzero((obs["control_type"] == "negcon") & (plates == p)) for p in np.unique(plates)}
    return values, obs, Dosed.of(obs, plates, controls)


def test_a_compounds_own_wells_do_not_whiten_it() -> None:
    values, obs, dosed = _table(6)
    before = Whitened.of(values, obs, dosed, seed=0)
    rows = dosed.rows_of["c2"]
    # Its doses change places on every plate: the spread of features and the means of plates stay as they are.
    changed = values.copy()
    for plate in range(3):
        of_plate = rows[dosed.plate[rows] == plate]
        changed[of_plate] = values[np.roll(of_plate, plate)]
    after = Whitened.of(changed, obs, dosed, seed=0)
    own, others = before.by_fold[before.fold_of["c2"]], after.by_fold[after.fold_of["c2"]]
    probe = np.eye(4)
    np.testing.assert_allclose(noise.whitened(probe, own), noise.whitened(probe, others))
    other = next(name for name in before.fold_of if before.fold_of[name] != before.fold_of["c2"])
    number = before.fold_of[other]
    assert not np.allclose(before.by_fold[number], after.by_fold[number])


def test_values_are_scaled_about_the_plates_controls() -> None:
    values, obs, dosed = _table(6)
    whitened = Whitened.of(values, obs, dosed, seed=0)
    about = np.array([row - values[dosed.controls[p]].mean(axis=0) for row, p in zip(values, dosed.plate, strict=True)])
    expected = about[:, :4] / about[:, :4].std(axis=0)  # the last feature is constant
    np.testing.assert_allclose(whitened.values, expected)
    rows = dosed.rows_of["c1"]
    np.testing.assert_allclose(whitened.of_compound("c1", rows), noise.whitened(expected[rows], whitened.by_fold[whitened.fold_of["c1"]]))
    usable = obs[dosed.usable].assign(row=np.flatnonzero(dosed.usable))
    sets = [part["row"].to_numpy() for _, part in usable.groupby(["perturbation", "concentration"])]
    residuals = np.concatenate(noise.of_replicates(expected, sets, dosed.plate))
    fold = np.array([whitened.fold_of[obs["perturbation"].iloc[row]] for row in np.concatenate(sets)])
    for number in range(5):
        factor = noise.shrunk_factor(residuals[fold != number], features=4)
        np.testing.assert_allclose(whitened.by_fold[number] @ whitened.by_fold[number].T, factor @ factor.T)


def test_a_lone_compound_keeps_the_scale_of_features() -> None:
    values, obs, dosed = _table(1)
    whitened = Whitened.of(values, obs, dosed, seed=0)
    rows = dosed.rows_of["c0"]
    np.testing.assert_allclose(whitened.of_compound("c0", rows), whitened.values[rows])


def test_noise_is_estimated_from_twenty_residuals_on() -> None:
    residuals = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_array_equal(whitened._factor(residuals[:19]), np.eye(3))
    np.testing.assert_array_equal(whitened._factor(residuals), noise.shrunk_factor(residuals, features=3))
    np.testing.assert_array_equal(whitened._factor(residuals[:, :0]), np.eye(0))
