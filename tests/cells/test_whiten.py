from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto.cells import array_run
from impasto.cells.array_run import ArrayRun
from impasto.cells.whiten import whiten
from impasto.schema import InputError


def made(folder: Path, *, gaps: bool = False):
    rng = np.random.default_rng(0)
    wells = pd.DataFrame(
        {
            "plate": np.repeat(["P1", "P2"], 5),
            "well": ["A01", "A02", "A03", "B01", "B02"] * 2,
            "perturbation": ["DMSO", "DMSO", "DMSO", "x", "y"] * 2,
            "control_type": ["negcon", "negcon", "negcon", "trt", "trt"] * 2,
        }
    )
    mix = rng.normal(size=(6, 6))
    values = [(rng.normal(size=(40 + n, 6)) @ mix * 10 + rng.normal(size=6) + 5).astype(np.float32) for n in range(10)]
    values = [np.concatenate([v, np.full((len(v), 1), 7)], axis=1) for v in values]  # a feature that does not vary
    if gaps:
        values[3][4, 2] = np.nan
    names = [f"Cells_AreaShape_F{i}" for i in range(7)]
    return array_run.write(ArrayRun(wells, values, names), folder), values


def test_numbers_are_those_of_the_definition(tmp_path: Path) -> None:
    cells, _ = made(tmp_path / "cells")
    whole = {(w.obs["plate"].iloc[0], w.obs["well"].iloc[0]): w.X.astype(float)[:, :6] for w in cells.iter_wells()}
    z, centred = {}, []
    for plate in ("P1", "P2"):
        controls = np.concatenate([whole[plate, w] for w in ("A01", "A02", "A03")])
        middle = np.median(controls, axis=0)
        spread = 1.4826 * np.median(np.abs(controls - middle), axis=0)
        for (p, w), x in whole.items():
            if p == plate:
                z[p, w] = np.clip((x - middle) / spread, -10, 10)
    for (_, w), own in z.items():
        if w.startswith("A"):
            centred.append(own - np.median(own, axis=0))
    covariance = np.cov(np.concatenate(centred).T, bias=True)
    e, u = np.linalg.eigh(covariance)
    axes = u[:, ::-1][:, :4] / np.sqrt(e[::-1][:4] + 0.01 * e.mean())
    whitened = whiten(cells, components=4)
    assert whitened.features == [f"Cells_AreaShape_F{i}" for i in range(6)]
    for row, (plate, well) in enumerate(zip(whitened.wells["plate"], whitened.wells["well"], strict=True)):
        own = z[plate, well]
        expected = (own - np.median(own, axis=0)) @ axes
        sign = np.sign((expected * whitened.cells[row]).sum(axis=0))
        np.testing.assert_allclose(whitened.cells[row] * sign, expected, atol=0.01, rtol=2e-3)
        np.testing.assert_allclose(whitened.means[row] * sign, own.mean(axis=0) @ axes, atol=1e-3)
    assert whitened.cells[0].dtype == np.float16


def test_what_was_not_measured_is_as_in_the_controls(tmp_path: Path) -> None:
    cells, _ = made(tmp_path / "cells", gaps=True)
    whitened = whiten(cells, components=3)
    assert all(np.isfinite(own).all() for own in whitened.cells)
    assert np.isfinite(whitened.means).all()


def test_a_plate_without_controls_is_refused(tmp_path: Path) -> None:
    wells = pd.DataFrame({"plate": ["P1"], "well": ["A01"], "perturbation": ["x"]})
    cells = array_run.write(ArrayRun(wells, [np.ones((3, 1), dtype=np.float32)], ["Cells_AreaShape_Area"]), tmp_path / "cells")
    with pytest.raises(InputError, match="plate P1 has no cell of a negative control"):
        whiten(cells)
    wells = wells.assign(control_type="negcon")
    cells = array_run.write(ArrayRun(wells, [np.ones((3, 1), dtype=np.float32)], ["Cells_AreaShape_Area"]), tmp_path / "flat")
    with pytest.raises(InputError, match="no feature varies among the control cells"):
        whiten(cells)
