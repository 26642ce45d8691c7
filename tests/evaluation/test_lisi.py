"""LISI: weights of the entropy asked for, sums by hand, scib-metrics' own, and neighbourhoods of one label or of all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from tests.peers import peer

from impasto.evaluation import lisi, neighbours


def _table(seed: int, *, labels: int = 4, rows: int = 80, shift: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, labels, rows)
    values = rng.normal(size=(rows, 5)) + shift * rng.normal(size=(labels, 5))[label]
    return values.astype(np.float32), label.astype(np.intp)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_each_row_is_the_inverse_simpson_of_weights_of_that_entropy(metric: lisi.Metric) -> None:
    values, label = _table(0)
    nearest = neighbours.nearest(values, k=15, metric=metric)
    far = lisi.distances(values, nearest, metric=metric)
    found = lisi.numbers_of_labels(far, nearest, label)
    x = values.astype(np.float64)
    for row in range(0, 80, 7):
        own = x[nearest[row]]
        if metric == "cosine":
            own_far = 1 - own @ x[row] / np.linalg.norm(own, axis=1) / np.linalg.norm(x[row])
        else:
            own_far = np.linalg.norm(own - x[row], axis=1)
        np.testing.assert_allclose(far[row], own_far, atol=1e-6)

        def weights(log_beta: float, d: np.ndarray = own_far) -> np.ndarray:
            p = np.exp(-np.exp(log_beta) * (d - d.min()))
            return p / p.sum()

        def excess(log_beta: float, d: np.ndarray = own_far) -> float:
            p = weights(log_beta, d)
            return float(-(p * np.log(p + 1e-300)).sum() - np.log(5))

        p = weights(optimize.brentq(excess, -10, 12))
        simpson = sum(p[label[nearest[row]] == one].sum() ** 2 for one in range(4))
        assert found[row] == pytest.approx(1 / simpson, rel=1e-3)


def test_one_label_around_is_one_and_all_alike_is_their_number() -> None:
    values, label = _table(1, shift=80.0)
    nearest = neighbours.nearest(values, k=9, metric="euclidean")
    alone = lisi.numbers_of_labels(lisi.distances(values, nearest, metric="euclidean"), nearest, label)
    np.testing.assert_allclose(alone, 1)
    np.testing.assert_allclose(lisi.scaled(alone, 4, mixed=True), 0, atol=1e-9)
    np.testing.assert_allclose(lisi.scaled(alone, 4, mixed=False), 1)
    # Neighbours all as far have equal weights: two of each of three labels.
    even = lisi.numbers_of_labels(np.ones((6, 6)), np.tile(np.arange(6), (6, 1)), np.arange(6) % 3)
    np.testing.assert_allclose(even, 3)
    np.testing.assert_allclose(lisi.scaled(even, 3, mixed=True), 1)
    np.testing.assert_allclose(lisi.scaled(even, 3, mixed=False), 0, atol=1e-9)
    assert np.isnan(lisi.scaled(even, 1, mixed=True)).all()


def test_it_is_scib_metrics_own() -> None:
    theirs = peer("scib_metrics")
    results = peer("scib_metrics.nearest_neighbors").NeighborsResults
    for seed, labels in ((2, 2), (3, 6)):
        values, label = _table(seed, labels=labels)
        nearest = neighbours.nearest(values, k=25)
        far = lisi.distances(values, nearest, metric="cosine")
        given = results(indices=nearest, distances=far)
        found = lisi.numbers_of_labels(far, nearest, label)
        np.testing.assert_allclose(found, theirs.lisi_knn(given, label), atol=1e-3)
        assert np.median(lisi.scaled(found, labels, mixed=True)) == pytest.approx(theirs.ilisi_knn(given, label), abs=1e-3)
        assert np.median(lisi.scaled(found, labels, mixed=False)) == pytest.approx(theirs.clisi_knn(given, label), abs=1e-3)
