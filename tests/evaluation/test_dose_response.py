"""Curves over doses: the Hill curve, the response of a well by hand, and which curves are fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.evaluation import dose_response


@settings(max_examples=25, deadline=None)
@given(st.floats(2, 20), st.floats(0.1, 5), st.floats(0.5, 4))
def test_a_hill_curve_without_noise_is_found_again(top: float, ec50: float, slope: float) -> None:
    dose = np.geomspace(0.01, 30, 12)
    curve = dose_response.hill(dose, top=top, ec50=ec50, slope=slope)
    found = dose_response.fit_hill(dose, curve)
    np.testing.assert_allclose(dose_response.hill(dose, top=found[0], ec50=found[1], slope=found[2]), curve, atol=0.02 * top)


def test_the_hill_curve_is_its_formula() -> None:
    for dose in (0.5, 2.0, 8.0):
        expected = 3.0 * dose**1.5 / (2.0**1.5 + dose**1.5)
        assert dose_response.hill(np.array([dose]), top=3.0, ec50=2.0, slope=1.5)[0] == pytest.approx(expected)


def test_ec50_is_sought_a_decade_beyond_the_doses_and_slopes_between_point_three_and_eight() -> None:
    dose = np.geomspace(1.0, 10.0, 8)
    step = np.where(dose > 3, 5.0, 0.0)
    assert dose_response.fit_hill(dose, step)[2] <= 8.0
    late = dose_response.hill(dose, top=40.0, ec50=5000.0, slope=1.0)
    assert dose_response.fit_hill(dose, late)[1] <= 100.0 + 1e-6
    assert dose_response.fit_hill(dose, np.linspace(1, 1.01, 8))[2] >= 0.3


def test_the_benchmark_concentration_lies_on_the_curve_or_is_absent() -> None:
    at = dose_response.benchmark_concentration(top=5, ec50=2, slope=1.5, response=1.349, highest=10)
    assert float(dose_response.hill(np.array([at]), top=5, ec50=2, slope=1.5)[0]) == pytest.approx(1.349)
    assert np.isnan(dose_response.benchmark_concentration(top=1, ec50=2, slope=1.5, response=1.349, highest=10))
    assert np.isnan(dose_response.benchmark_concentration(top=5, ec50=200, slope=1.5, response=1.349, highest=10))
    # The highest dose itself was tried.
    assert dose_response.benchmark_concentration(top=2, ec50=4, slope=1.0, response=1.0, highest=4.0) == pytest.approx(4.0)


def test_the_response_of_a_well_by_hand() -> None:
    """z = (d - median of controls) / (1.4826 MAD of controls), a control beside the others only."""
    rng = np.random.default_rng(0)
    space, controls = rng.normal(size=(9, 3)), [0, 1, 2, 3, 4]
    plate = np.array(["P"] * 8 + ["Q"])
    distance = []
    for well in range(8):
        beside = [c for c in controls if c != well]
        mean = sum(space[c] for c in beside) / len(beside)
        distance.append(float(np.sqrt(((space[well] - mean) ** 2).sum() / (1 + 1 / len(beside)))))
    middle = float(np.median(distance[:5]))
    spread = 1.4826 * float(np.median([abs(d - middle) for d in distance[:5]]))
    found = dose_response.responses(space, plate, {"P": np.array(controls), "Q": np.array([8])})
    np.testing.assert_allclose(found[:8], [(d - middle) / spread for d in distance], rtol=1e-10)
    assert np.isnan(found[8])


def _doses(number: int, names: list[str]) -> tuple[np.ndarray, pd.DataFrame, np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    doses = np.geomspace(0.1, 10, number)
    rows = [("P", name, "trt", dose) for name in names for dose in doses for _ in range(2)]
    rows += [("P", "DMSO", "negcon", 0.0)] * 8 + [("P", None, None, dose) for dose in np.geomspace(0.1, 10, 6)]
    rows += [("P", "never there", "empty", dose) for dose in np.geomspace(0.1, 10, 6)]
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type", "concentration"])
    return rng.normal(size=(len(obs), 4)), obs, np.array(["P"] * len(obs)), {"P": np.flatnonzero(obs["control_type"] == "negcon")}


@pytest.mark.parametrize(("doses", "curves"), [(3, []), (4, ["a", "b"])])
def test_four_doses_make_a_curve_and_wells_without_a_label_make_none(doses: int, curves: list[str]) -> None:
    space, obs, plate, controls = _doses(doses, ["a", "b"])
    found = dose_response.curves(space, obs, plate, controls, benchmark=1.349)
    assert found["perturbation"].tolist() == curves
    assert found["doses"].tolist() == [doses] * len(curves)
    assert found["wells"].tolist() == [2 * doses] * len(curves)


def test_a_compound_named_by_dose_has_one_curve() -> None:
    space, obs, plate, controls = _doses(5, ["a"])
    obs["perturbation"] = np.where(obs["perturbation"] == "a", "a@" + obs["concentration"].map("{:g}".format) + "uM", obs["perturbation"])
    assert dose_response.curves(space, obs, plate, controls, benchmark=1.349)["perturbation"].tolist() == ["a"]


def test_r_squared_is_its_formula() -> None:
    dose = np.repeat([0.1, 1.0, 3.0, 10.0], 2)
    response = np.array([0.0, 0.2, 1.0, 1.4, 2.4, 2.6, 3.1, 2.7])
    top, ec50, slope, _, r_squared = dose_response._curve(dose, response, benchmark=1.0)
    fitted = [top * d**slope / (ec50**slope + d**slope) for d in dose]
    mean = sum(response) / len(response)
    expected = 1 - sum((r - f) ** 2 for r, f in zip(response, fitted, strict=True)) / sum((r - mean) ** 2 for r in response)
    assert r_squared == pytest.approx(expected)
