"""TVN against its steps written out, and efaar-benchmarking's."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction.tvn import Tvn, TvnSettings


def test_tvn_aligns_the_controls_of_all_plates() -> None:
    data = plates(wells=96, controls=80)
    found = Tvn.fit(data, TvnSettings(ridge=1e-6)).transform(data)
    for plate in ("P0", "P1", "P2"):
        own = found.X[control_rows(found, plate)].astype(np.float64)
        np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-4)
        everything = np.cov(found.X[control_rows(found)], rowvar=False)
        np.testing.assert_allclose(np.cov(own, rowvar=False), everything, atol=0.1)


def test_tvn_is_the_steps_written_out() -> None:
    data = plates(plates=2)
    found = Tvn.fit(data, TvnSettings()).transform(data).X
    x = data.X.astype(np.float64)
    own = x[control_rows(data)]
    z = (x - own.mean(axis=0)) / own.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(np.cov(z[control_rows(data)], rowvar=False))
    y = z @ vectors[:, ::-1] / np.sqrt(values[::-1])

    def power(m: np.ndarray, e: float) -> np.ndarray:
        w, v = np.linalg.eigh(m)
        return np.asarray((v * w**e) @ v.T)

    colour = power(np.cov(y[control_rows(data)], rowvar=False) + 0.5 * np.eye(6), 0.5)
    for plate in ("P0", "P1"):
        mine, rows = y[control_rows(data, plate)], (data.obs["plate"] == plate).to_numpy()
        expected = (y[rows] - mine.mean(axis=0)) @ power(np.cov(mine, rowvar=False) + 0.5 * np.eye(6), -0.5) @ colour
        np.testing.assert_allclose(np.abs(found[rows]), np.abs(expected), rtol=1e-3, atol=1e-3)  # a component's sign is free


def test_tvn_in_efaars_form_is_efaar_benchmarkings() -> None:
    efaar = pytest.importorskip("efaar_benchmarking.efaar")
    data = plates(plates=3, width=12, controls=30)
    found = Tvn.fit(data, TvnSettings(coral="efaar")).transform(data).X
    theirs = efaar.tvn_on_controls(data.X.astype(np.float64), data.obs, "perturbation", "DMSO", "plate")
    np.testing.assert_allclose(np.abs(found), np.abs(theirs), rtol=1e-4, atol=1e-5)  # a component's sign is free
