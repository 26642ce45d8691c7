"""The fast twin: features in CellProfiler's names, alike for one seed, noise of its own in a repeat."""

from __future__ import annotations

import numpy as np

from impasto.simulate.plan import Plan
from impasto.simulate.profiles import _reading, simulate

SMALL = {"perturbations": 8, "mechanisms": 4, "controls": 4, "batches": 1, "plates": 1}


def test_names_counts_and_seeds() -> None:
    one, truth = simulate(Plan(**SMALL), seed=4)
    assert one.n_vars == 3 * (5 * 4 + 2)
    assert {"Cells_Intensity_MeanIntensity_DNA", "Nuclei_AreaShape_Eccentricity", "Cytoplasm_Granularity_1_Mito"} <= set(one.var_names)
    assert len(truth) == 8
    assert one.uns["simulated"]
    assert 10 < one.obs["cell_count"].mean() < 40
    again, _ = simulate(Plan(**SMALL), seed=4)
    np.testing.assert_array_equal(one.X, again.X)
    assert not np.array_equal(simulate(Plan(**SMALL), seed=5)[0].X, one.X)


def test_a_repeat_has_the_same_treatments_and_other_noise() -> None:
    one, first = simulate(Plan(**SMALL), seed=4)
    two, second = simulate(Plan(**SMALL, repeat=1), seed=4)
    assert first.equals(second)
    assert not np.array_equal(one.X, two.X)


def test_a_feature_reads_the_properties_of_its_channel() -> None:
    properties = np.eye(10)
    rng = np.random.default_rng(2)
    weights = np.zeros(10)
    weights[[4, 1]] = rng.normal(size=2)
    weights += 0.1 * rng.normal(size=10)
    expected = weights + 0.5 * np.tanh(weights + rng.normal())
    np.testing.assert_allclose(_reading(properties, (4, 1), np.random.default_rng(2)), expected)
