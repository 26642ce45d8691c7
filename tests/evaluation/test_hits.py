"""Hits: calibrated on noise, and the planted doses found again."""

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.evaluation import dose_response, hits
from impasto.evaluation.hits import evaluate
from impasto.schema import InputError


def _plates(seed: int, *, effect: float, compounds: int = 30, controls: tuple[int, ...] = (8, 16, 24)) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(compounds, 12)) * effect
    direction[compounds // 2 :] = 0
    rows, values = [], []
    for plate, number in enumerate(controls):
        for well in range(compounds + number):
            treated = well < compounds
            rows.append((f"P{plate}", f"C{well:02d}" if treated else "DMSO", "trt" if treated else "negcon"))
            values.append(rng.normal(size=12) + (direction[well] if treated else 0) + plate)
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type"]).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


def test_p_values_are_uniform_on_noise_with_unequal_controls() -> None:
    found = [evaluate(_plates(seed, effect=0, compounds=20), draws=199, seed=seed).per_group["p_value"].to_numpy() for seed in range(100)]
    for level in (0.01, 0.05, 0.1, 0.5):
        # The compounds of one layout share its controls, so layouts (not compounds) are what is independent.
        share = (np.array(found) <= level).mean(axis=1)
        assert abs(share.mean() - level) < 3 * share.std(ddof=1) / np.sqrt(len(share)), level


def test_planted_effects_are_hits_and_the_others_are_not() -> None:
    details = evaluate(_plates(0, effect=1.5), draws=500).details()
    hit = details["per_group"].set_index("perturbation")["hit"]
    assert hit[:15].mean() > 0.9
    assert hit[15:].mean() < 0.2


def test_the_distance_is_the_loop_of_its_definition() -> None:
    rng = np.random.default_rng(0)
    space = rng.normal(size=(12, 3))
    pools = [(np.array([0, 1]), np.array([2, 3, 4])), (np.array([5]), np.array([6, 7, 8, 9]))]
    length, null = hits.distance(space, pools, draws=50, seed=0)
    shift = [0.0, 0.0, 0.0]
    for treated, controls in pools:
        for d in range(3):
            shift[d] += sum(space[i][d] for i in treated) / len(treated) - sum(space[i][d] for i in controls) / len(controls)
    assert length == pytest.approx(sum((s / 2) ** 2 for s in shift) ** 0.5)
    assert null.shape == (50,)


@settings(max_examples=25, deadline=None)
@given(st.floats(2, 20), st.floats(0.1, 5), st.floats(0.5, 4))
def test_a_hill_curve_without_noise_is_found_again(top: float, ec50: float, slope: float) -> None:
    dose = np.geomspace(0.01, 30, 12)
    curve = dose_response.hill(dose, top=top, ec50=ec50, slope=slope)
    found = dose_response.fit_hill(dose, curve)
    np.testing.assert_allclose(dose_response.hill(dose, top=found[0], ec50=found[1], slope=found[2]), curve, atol=0.02 * top)


def test_the_benchmark_concentration_lies_on_the_curve_or_is_absent() -> None:
    at = dose_response.benchmark_concentration(top=5, ec50=2, slope=1.5, response=1.349, highest=10)
    assert float(dose_response.hill(np.array([at]), top=5, ec50=2, slope=1.5)[0]) == pytest.approx(1.349)
    assert np.isnan(dose_response.benchmark_concentration(top=1, ec50=2, slope=1.5, response=1.349, highest=10))
    assert np.isnan(dose_response.benchmark_concentration(top=5, ec50=200, slope=1.5, response=1.349, highest=10))


def test_potent_compounds_have_lower_benchmark_doses() -> None:
    rng = np.random.default_rng(3)
    doses, rows, values = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0], [], []
    for plate in range(3):
        for name, ec50 in (("potent", 0.1), ("weak", 3.0)):
            for dose in doses:
                rows.append((f"P{plate}", name, "trt", dose))
                values.append(rng.normal(size=20) + 4 * dose / (dose + ec50))
        for _ in range(20):
            rows.append((f"P{plate}", "DMSO", "negcon", 0.0))
            values.append(rng.normal(size=20))
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type", "concentration"]).rename(index=str)
    details = evaluate(anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs), components=20, draws=100).details()
    at = details["dose_response"].set_index("perturbation")["benchmark_concentration"]
    assert at["potent"] < at["weak"]


def test_no_controls_is_refused() -> None:
    profiles = _plates(0, effect=1, controls=(1, 1))
    with pytest.raises(InputError, match="two negative controls"):
        evaluate(profiles)
