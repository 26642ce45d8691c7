"""Distance from the controls of a plate, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impasto.atlas import deviation


def table() -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"plate": ["P1"] * 12 + ["P2"] * 4, "control_type": (["negcon"] * 6 + ["trt"] * 6) + ["negcon"] * 2 + ["trt"] * 2})
    obs["perturbation"] = "x"
    values = rng.normal(size=(16, 5)).astype(np.float32)
    values[8] += 50
    return values, obs


def test_a_well_is_measured_in_the_spread_of_its_controls() -> None:
    values, obs = table()
    # Components keep distances between scaled rows, so these can be taken without them.
    scaled = (values - values.mean(axis=0, dtype=np.float64)) / values.std(axis=0, dtype=np.float64)
    controls = list(range(6))
    distance = []
    for row in range(12):
        others = [c for c in controls if c != row]
        distance.append(np.sqrt(((scaled[row] - scaled[others].mean(axis=0)) ** 2).sum()))
    own = np.array(distance[:6])
    by_hand = (np.array(distance) - np.median(own)) / (1.4826 * np.median(np.abs(own - np.median(own))))
    got = deviation.of_wells(values, obs)
    np.testing.assert_allclose(got[:12], by_hand, rtol=1e-6)
    assert got[8] == got[:12].max()


def test_a_plate_with_two_controls_has_none() -> None:
    values, obs = table()
    assert np.isnan(deviation.of_wells(values, obs)[12:]).all()
    assert np.isnan(deviation.of_wells(values, obs.assign(control_type="trt"))).all()
    assert np.isnan(deviation.of_wells(np.ones_like(values), obs)).all()


def test_spared_controls_judge_where_some_were_spared() -> None:
    values, obs = table()
    spared = obs.assign(spared=[True, True, True, False, False, False, *[False] * 10])
    alone = obs.assign(control_type=["negcon"] * 3 + ["trt"] * 13)
    three = deviation.of_wells(values, alone)
    np.testing.assert_allclose(deviation.of_wells(values, spared), three)
    assert np.isfinite(three[:12]).all(), "three controls have a spread"
