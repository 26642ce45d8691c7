"""Standardize against a naive float64 loop and pycytominer's RobustMAD."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.correction.plated import control_rows, plates

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
    operations = pytest.importorskip("pycytominer.operations")
    data = plates(plates=2, controls=controls)
    found = Standardize.fit(data, StandardizeSettings()).transform(data).X
    for plate in ("P0", "P1"):
        rows = (data.obs["plate"] == plate).to_numpy()
        frame = pd.DataFrame(data.X.astype(np.float64))
        theirs = operations.RobustMAD(epsilon=1e-18).fit(frame[control_rows(data, plate)]).transform(frame[rows])
        np.testing.assert_allclose(found[rows], theirs.to_numpy(), rtol=1e-5, atol=1e-6)
