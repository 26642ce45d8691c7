"""Standardize against a naive float64 loop and pycytominer's RobustMAD."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.correction.plated import control_rows, plates
from tests.peers import peer

from impasto.correction.standardize import Standardize, StandardizeSettings


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_standardize_is_the_naive_loop(statistic: str) -> None:
    data = plates()
    found = Standardize.fit(data, StandardizeSettings(statistic=statistic)).transform(data)  # type: ignore[arg-type]
    x = data.X.astype(np.float64)
    for plate in ("P0", "P1", "P2"):
        own = x[control_rows(data, plate)]
        for row in np.flatnonzero((data.obs["plate"] == plate).to_numpy())[:5]:
            for f in range(x.shape[1]):
                if statistic == "mean":
                    expected = (x[row, f] - own[:, f].mean()) / own[:, f].std(ddof=1)
                else:
                    middle = np.median(own[:, f])
                    expected = (x[row, f] - middle) / (1.4826 * np.median(np.abs(own[:, f] - middle)))
                assert found.X[row, f] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_feature_that_is_constant_becomes_zero_and_one_flat_in_controls_stays_finite() -> None:
    data = plates(plates=1)
    data.X[:, 0] = 7.0
    data.X[control_rows(data), 1] = 2.0
    found = Standardize.fit(data, StandardizeSettings()).transform(data)
    assert (found.X[:, 0] == 0).all()
    assert np.isfinite(found.X).all()


@settings(deadline=None, max_examples=25)
@given(st.floats(0.1, 10), st.floats(-100, 100), st.integers(0, 100))
def test_standardize_forgets_the_unit_of_a_plate(scale: float, offset: float, seed: int) -> None:
    data = plates(plates=1, seed=seed)
    other = data.copy()
    other.X = (data.X * scale + offset).astype(np.float32)
    one, two = (Standardize.fit(d, StandardizeSettings()).transform(d).X for d in (data, other))
    np.testing.assert_allclose(one, two, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("controls", [20, 21])
def test_median_and_mad_are_pycytominers(controls: int) -> None:
    operations = peer("pycytominer.operations")
    data = plates(plates=2, controls=controls)
    found = Standardize.fit(data, StandardizeSettings()).transform(data).X
    for plate in ("P0", "P1"):
        rows = (data.obs["plate"] == plate).to_numpy()
        frame = pd.DataFrame(data.X.astype(np.float64))
        theirs = operations.RobustMAD(epsilon=1e-18).fit(frame[control_rows(data, plate)]).transform(frame[rows])
        np.testing.assert_allclose(found[rows], theirs.to_numpy(), rtol=1e-5, atol=1e-6)


def column(controls: list[float], treated: list[float], *, statistic: str) -> np.ndarray:
    """One feature of one plate, standardised; the controls come first."""
    obs = pd.DataFrame({"plate": "P", "control_type": ["negcon"] * len(controls) + ["trt"] * len(treated)}).rename(index=str)
    data = anndata.AnnData(X=np.array([[v] for v in controls + treated], dtype=np.float32), obs=obs)
    return Standardize.fit(data, StandardizeSettings(statistic=statistic)).transform(data).X[:, 0]  # type: ignore[arg-type]


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_a_feature_that_is_flat_in_controls_takes_the_spread_of_its_plate(statistic: str) -> None:
    controls, treated = [2.0] * 4, [0.0, 1.0, 3.0, 7.0, 12.0]
    found = column(controls, treated, statistic=statistic)
    x = np.array(controls + treated)
    spread = x.std(ddof=1) if statistic == "mean" else 1.4826 * np.median(np.abs(x - np.median(x)))
    np.testing.assert_allclose(found, (x - 2.0) / spread, rtol=1e-5)


@pytest.mark.parametrize(("wobble", "flat"), [(0.5e-2, True), (2e-2, False)])
def test_flat_is_a_millionth_of_the_centre(wobble: float, flat: bool) -> None:
    centre, treated = 10_000.0, [9_000.0, 10_500.0, 11_000.0]
    controls = [centre - wobble, centre - wobble, centre + wobble, centre + wobble]
    x = np.array(controls + treated, dtype=np.float32).astype(np.float64)
    own = x[:4] if not flat else x
    found = column(controls, treated, statistic="mean")
    np.testing.assert_allclose(found[4:], (x[4:] - x[:4].mean()) / own.std(ddof=1), rtol=1e-4)


def test_near_zero_flat_is_a_millionth_of_one() -> None:
    found = column([0.0, 0.4e-6, 0.0, 0.4e-6], [1.0, 2.0], statistic="mean")
    x = np.array([0.0, 0.4e-6, 0.0, 0.4e-6, 1.0, 2.0])
    np.testing.assert_allclose(found[4:], (x[4:] - x[:4].mean()) / x.std(ddof=1), rtol=1e-4)
    assert column([0.0, 4e-6, 0.0, 4e-6], [1.0, 2.0], statistic="mean")[4] > 1e5


def test_the_spread_of_a_flat_feature_is_its_own_plates_and_other_features_keep_the_controls() -> None:
    data = plates(plates=2)
    data.X[control_rows(data, "P0"), 1] = 2.0
    fitted = Standardize.fit(data, StandardizeSettings(statistic="mean"))
    x = data.X.astype(np.float64)
    np.testing.assert_allclose(fitted.learned["B0/P0"].spread[1], x[:40, 1].std(ddof=1), rtol=1e-6)
    np.testing.assert_allclose(fitted.learned["B0/P0"].spread[2], x[:20, 2].std(ddof=1), rtol=1e-6)
    np.testing.assert_allclose(fitted.learned["B1/P1"].spread[1], x[40:60, 1].std(ddof=1), rtol=1e-6)


def test_defaults_are_the_median_of_the_controls_of_each_plate() -> None:
    assert StandardizeSettings() == StandardizeSettings(by="plate", on="controls", statistic="median", confounded=False)


def test_a_plate_of_one_row_becomes_zero_on_all_wells() -> None:
    data = plates(plates=2)[:41].copy()
    found = Standardize.fit(data, StandardizeSettings(on="all", statistic="mean", confounded=True)).transform(data)
    assert (found.X[40] == 0).all()
