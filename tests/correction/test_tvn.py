"""TVN against its steps written out, and efaar-benchmarking's."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates
from tests.peers import peer

from impasto.correction.standardize import Standardize, StandardizeSettings
from impasto.correction.tvn import Tvn, TvnSettings
from impasto.schema import InputError


def test_tvn_aligns_the_controls_of_all_plates() -> None:
    data = plates(wells=96, controls=80)
    found = Tvn.fit(data, TvnSettings(ridge=1e-6)).transform(data)
    for plate in ("P0", "P1", "P2"):
        own = found.X[control_rows(found, plate)].astype(np.float64)
        np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-4)
        everything = np.cov(found.X[control_rows(found)], rowvar=False)
        np.testing.assert_allclose(np.cov(own, rowvar=False), everything, atol=0.1)


def power(m: np.ndarray, e: float) -> np.ndarray:
    w, v = np.linalg.eigh(m)
    return np.asarray((v * w**e) @ v.T)


@pytest.mark.parametrize("components", [None, 4])
@pytest.mark.parametrize("ridge", [0.5, 2.0])
@pytest.mark.parametrize("coral", ["aligned", "efaar"])
def test_tvn_is_the_steps_written_out(coral: str, ridge: float, components: int | None) -> None:
    data = plates(plates=2)
    chosen = TvnSettings(coral=coral, ridge=ridge, components=components)  # type: ignore[arg-type]
    found = Tvn.fit(data, chosen).transform(data).X
    x = data.X.astype(np.float64)
    own = x[control_rows(data)]
    z = (x - own.mean(axis=0)) / own.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(np.cov(z[control_rows(data)], rowvar=False))
    kept = slice(0, components)
    sd = np.sqrt(values[::-1] * (1 if coral == "aligned" else (len(own) - 1) / len(own)))  # EFAAR's scaler divides by n
    y = (z @ vectors[:, ::-1] / sd)[:, kept]
    eye = ridge * np.eye(y.shape[1])
    colour = power(np.cov(y[control_rows(data)], rowvar=False) + eye, 0.5)
    for plate in ("P0", "P1"):
        of_batch, rows = y[control_rows(data, plate)], (data.obs["plate"] == plate).to_numpy()
        bleach = power(np.cov(of_batch, rowvar=False) + eye, -0.5)
        expected = (y[rows] - of_batch.mean(axis=0)) @ bleach @ colour if coral == "aligned" else y[rows] @ bleach
        np.testing.assert_allclose(np.abs(found[rows]), np.abs(expected), rtol=1e-3, atol=1e-3)  # a component's sign is free


def test_without_coral_the_white_controls_are_left_and_scaled_by_batch_they_are_efaars_for_rxrx3_core() -> None:
    data = plates(plates=2)
    found = Tvn.fit(data, TvnSettings(coral="none")).transform(data)
    own = found.X[control_rows(data)].astype(np.float64)
    np.testing.assert_allclose(np.cov(own, rowvar=False), np.eye(own.shape[1]), atol=1e-3)
    scaled = Standardize.fit(found, StandardizeSettings(statistic="mean")).transform(found).X
    x = data.X.astype(np.float64)
    controls = control_rows(data)
    z = (x - x[controls].mean(axis=0)) / x[controls].std(axis=0)
    parts = z @ np.linalg.svd(z[controls], full_matrices=False)[2].T
    for plate in ("P0", "P1"):
        rows, of_plate = (data.obs["plate"] == plate).to_numpy(), control_rows(data, plate)
        expected = (parts[rows] - parts[of_plate].mean(axis=0)) / parts[of_plate].std(axis=0, ddof=1)
        ratio = np.abs(scaled[rows]) / np.abs(expected)
        np.testing.assert_allclose(
            ratio, np.broadcast_to(ratio.mean(axis=0), ratio.shape), rtol=2e-2
        )  # one scale (n or n - 1) and one sign a component


def test_defaults_are_coral_with_half_a_ridge_on_the_controls_of_plates() -> None:
    assert TvnSettings() == TvnSettings(by="plate", on="controls", ridge=0.5, components=None, coral="aligned")
    data = plates(plates=2)
    corrected = Tvn.fit(data).transform(data)
    assert list(corrected.var_names) == [f"tvn_{i:04d}" for i in range(6)]
    assert set(corrected.var["group"]) == {"embedding"}
    data.X[:] = 1.0
    with pytest.raises(InputError, match="tvn: the reference rows do not vary at all"):
        Tvn.fit(data)


def test_with_fewer_controls_than_features_the_components_are_those_they_show() -> None:
    data = plates(plates=2, controls=4, width=20)
    assert Tvn.fit(data).transform(data).n_vars == 7
    (first, _) = Tvn.fit(data).learned.values()
    own = Tvn.fit(data).directions
    white = ((data.X.astype(np.float64)[:4] - Tvn.fit(data).mean) / Tvn.fit(data).spread) @ own
    expected = power(np.cov(white, rowvar=False) + 0.5 * np.eye(7), -0.5) @ power(1.5 * np.eye(7), 0.5)
    np.testing.assert_allclose(first.turn, expected, rtol=1e-5, atol=1e-6)


def test_tvn_in_efaars_form_is_efaar_benchmarkings() -> None:
    efaar = peer("efaar_benchmarking.efaar")
    data = plates(plates=3, width=12, controls=30)
    found = Tvn.fit(data, TvnSettings(coral="efaar")).transform(data).X
    theirs = efaar.tvn_on_controls(data.X.astype(np.float64), data.obs, "perturbation", "DMSO", "plate")
    np.testing.assert_allclose(np.abs(found), np.abs(theirs), rtol=1e-4, atol=1e-5)  # a component's sign is free
