"""The receipt: shares explained and replicates' signal against the naive ones."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction.receipt import correlated_share, explained_share, receipt, replicate_signal
from impasto.correction.standardize import Standardize, StandardizeSettings


def test_the_receipt_sees_a_plate_effect_go() -> None:
    data = plates(shift=5.0)
    after = Standardize.fit(data, StandardizeSettings()).transform(data)
    balance = receipt(data, after, methods=[])
    assert balance["explained"]["plate"]["before"] > 0.3
    assert balance["explained"]["plate"]["after"] < 0.05


def test_explained_share_is_zero_on_noise_and_one_on_pure_groups() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 50)
    noise = rng.normal(size=(200, 40))
    assert explained_share((noise - noise.mean(0)) / noise.std(0), labels) < 0.01
    pure = np.repeat(rng.normal(size=(4, 5)), 50, axis=0)
    assert explained_share((pure - pure.mean(0)) / pure.std(0), labels) == pytest.approx(1.0)


def test_replicate_signal_is_the_naive_mean() -> None:
    data = plates(plates=2, wells=24, controls=18)
    rows = np.flatnonzero(~control_rows(data))
    x = data.X.astype(np.float64)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    same, other = [], []
    for i in rows:
        for j in rows:
            if data.obs["plate"].iloc[i] != data.obs["plate"].iloc[j]:
                (same if data.obs["perturbation"].iloc[i] == data.obs["perturbation"].iloc[j] else other).append(x[i] @ x[j])
    assert replicate_signal(data) == pytest.approx(np.mean(same) - np.mean(other), abs=1e-5)


def test_the_share_of_a_number_is_its_mean_squared_correlation_less_chance() -> None:
    rng = np.random.default_rng(0)
    values, counts = rng.normal(size=(50, 6)), rng.normal(size=50)
    values[:, :3] += counts[:, None]
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    squared = np.mean([np.corrcoef(values[:, f], counts)[0, 1] ** 2 for f in range(6)])
    assert correlated_share(values, counts) == pytest.approx((squared - 1 / 49) / (1 - 1 / 49))
    assert correlated_share(values, np.full(50, 3.0)) == 0.0
    assert correlated_share(rng.normal(size=(5000, 20)), rng.normal(size=5000)) < 0.001


def test_without_replicates_on_other_plates_there_is_no_signal() -> None:
    assert replicate_signal(plates(plates=1)) is None
    data = plates(plates=2)
    del data.obs["perturbation"]
    assert replicate_signal(data) is None
