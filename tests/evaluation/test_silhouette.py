"""Silhouettes are scikit-learn's, without its n x n matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples

from impasto.evaluation import silhouette


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(silhouette.METRICS), st.integers(2, 6))
def test_samples_are_those_of_scikit_learn(seed: int, metric: str, clusters: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(40, 7)).astype(np.float32)
    # The last cluster has one row: its silhouette is 0 by definition.
    codes = np.append(np.arange(39) % (clusters - 1), clusters - 1)
    if clusters == 2:
        codes = np.arange(40) % 2
    values[codes == 0] += 1
    theirs = silhouette_samples(values.astype(np.float64), codes, metric=metric)
    np.testing.assert_allclose(silhouette.samples(values, codes, metric=metric), theirs, atol=1e-5)


def test_one_cluster_has_no_silhouette() -> None:
    assert np.isnan(silhouette.samples(np.ones((3, 2), dtype=np.float32), np.zeros(3, dtype=np.intp))).all()


def test_batches_that_mix_score_one_and_batches_apart_score_low() -> None:
    rng = np.random.default_rng(0)
    labels, batches = np.repeat(np.arange(4), 50), np.tile(np.arange(2), 100)
    mixed = rng.normal(size=(200, 10)).astype(np.float32)
    apart = mixed + 20 * np.where(batches[:, None] == 0, 1, -1).astype(np.float32)
    assert silhouette.of_batches(mixed, labels, batches).min() > 0.9
    assert silhouette.of_batches(apart, labels, batches).max() < 0.2


def test_a_label_in_one_batch_says_nothing_of_mixing() -> None:
    values = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    found = silhouette.of_batches(values, np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1]))
    assert found.shape == (1,)
    assert found[0] == pytest.approx(1 - np.abs(silhouette.samples(values[:3], np.array([0, 0, 1]))).mean())


@pytest.mark.parametrize("together", [1, 40, 10**6])
@pytest.mark.parametrize("metric", silhouette.METRICS)
def test_labels_of_unequal_sizes_are_scored_alike_whatever_is_done_at_once(
    metric: str, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last label has more batches than any other, and of one batch only one row."""
    rng = np.random.default_rng(4)
    labels = np.repeat(np.arange(6), [30, 3, 17, 50, 2, 23])
    batches = np.concatenate([rng.integers(0, 3, 100), [0, 0], np.arange(23) % 11 + (np.arange(23) == 22) * 5])
    values = rng.normal(size=(len(labels), 5)).astype(np.float32) + 2
    mixed = rng.permutation(len(labels))
    monkeypatch.setattr(silhouette, "_TOGETHER", together)
    found = silhouette.of_batches(values[mixed], labels[mixed], batches[mixed], metric=metric)
    of = [n for n in range(6) if 1 < len(np.unique(batches[labels == n])) < (labels == n).sum()]
    theirs = [silhouette_samples(values[labels == n].astype(np.float64), batches[labels == n], metric=metric) for n in of]
    np.testing.assert_allclose(found, [1 - np.abs(s).mean() for s in theirs], atol=1e-5)


def test_no_label_in_two_batches_gives_no_score() -> None:
    values = np.ones((3, 2), dtype=np.float32)
    assert silhouette.of_batches(values, np.array([0, 1, 1]), np.zeros(3, dtype=np.intp)).shape == (0,)
    assert silhouette.of_batches(values, np.full(3, -1), np.zeros(3, dtype=np.intp)).shape == (0,)


@pytest.mark.parametrize("metric", silhouette.METRICS)
def test_batches_are_scored_label_by_label_as_scikit_learn_does(metric: str) -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(300, 6)).astype(np.float32)
    labels, batches = rng.integers(-1, 9, 300), rng.integers(3, 7, 300) * 10
    batches[labels == 4] = 30  # one batch only
    found = silhouette.of_batches(values, labels, batches, metric=metric)
    expected = [
        1 - np.abs(silhouette_samples(values[labels == n].astype(np.float64), batches[labels == n], metric=metric)).mean()
        for n in range(9)
        if n != 4
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)
