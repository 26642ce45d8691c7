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


def test_the_share_of_groups_is_the_sum_of_squares_between_them_less_chance() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 30)
    values = rng.normal(size=(30, 5)) + 1.5 * rng.normal(size=(4, 5))[labels]
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    shares = []
    for f in range(5):
        between = sum((labels == g).sum() * values[labels == g, f].mean() ** 2 for g in range(4))
        shares.append(between / (values[:, f] ** 2).sum())
    chance = 3 / 29
    assert explained_share(values, labels) == pytest.approx((np.mean(shares) - chance) / (1 - chance))


def test_chance_is_what_random_groups_explain() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(60, 3000))
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    labels = np.arange(60) % 20
    raw = np.mean([((np.bincount(labels, v) / 3) ** 2 * 3).sum() / 60 for v in values.T])
    assert raw == pytest.approx(19 / 59, abs=0.01)
    assert explained_share(values, labels) < 0.01


def test_factors_are_source_batch_plate_row_column_and_count() -> None:
    data = plates(plates=3)
    data.obs["source"] = np.where(data.obs["plate"] == "P0", "S0", "S1")
    data.obs["cell_count"] = np.arange(120)
    row = np.array([ord(w[0]) for w in data.obs["well"]])
    column = np.array([int(w[1:]) for w in data.obs["well"]])
    x = data.X.astype(np.float64)
    limit = np.quantile(np.abs(x), 0.999, axis=0)
    z = np.clip(x, -limit, limit)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    explained = receipt(data, data, methods=[])["explained"]
    assert list(explained) == ["source", "batch", "plate", "row", "column", "cell count"]
    for name, labels in (("source", data.obs["source"]), ("plate", data.obs["plate"]), ("row", row), ("column", column)):
        expected = explained_share(z, np.unique(labels, return_inverse=True)[1])
        assert explained[name] == {"before": pytest.approx(expected), "after": pytest.approx(expected)}
    assert explained["cell count"]["before"] == pytest.approx(correlated_share(z, np.arange(120.0)))


def test_plates_of_one_name_in_two_batches_are_two_factors_levels() -> None:
    data = plates(plates=3)
    own = receipt(data, data, methods=[])
    data.obs["plate"] = "plate 1"
    assert receipt(data, data, methods=[]) == own


def test_unknown_and_empty_wells_and_other_doses_are_no_replicates() -> None:
    data = plates(plates=2, wells=24, controls=18)
    expected = replicate_signal(data)
    more = plates(plates=2, wells=27, controls=18)
    extra = more.obs["perturbation"].isin(["c24", "c25", "c26"]).to_numpy()
    kinds = more.obs["control_type"].to_numpy(dtype=object, copy=True)
    kinds[extra] = ["empty", "unknown", "trt"] * 2
    names = more.obs["perturbation"].to_numpy(dtype=object, copy=True)
    names[np.flatnonzero(extra)[[2, 5]]] = None  # treated, by nobody knows what
    more.obs["control_type"], more.obs["perturbation"] = kinds, names
    more.X[~extra] = data.X
    assert replicate_signal(more) == pytest.approx(expected)
    data.obs["concentration"] = np.where(data.obs["plate"] == "P0", 1.0, 10.0)
    assert replicate_signal(data) is None  # no well has a replicate at its own dose
