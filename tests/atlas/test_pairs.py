"""The share of pairs above a cosine, counted."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.atlas import pairs


def unit(count: int, width: int = 5) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_all_pairs_are_compared_once() -> None:
    vectors = unit(60)
    cosines = np.array([vectors[i] @ vectors[j] for i in range(60) for j in range(i)])
    got = pairs.quantiles(vectors, seed=0)
    assert (len(got), got[0], got[-1]) == (2001, pytest.approx(cosines.min()), pytest.approx(cosines.max()))
    scores = np.array([-2.0, -0.5, 0.0, 0.3, 0.9, 2.0])
    by_hand = [(cosines >= score).mean() for score in scores]
    np.testing.assert_allclose(pairs.share_beyond(got, scores), by_hand, atol=2e-3)
    assert pairs.share_beyond(got, scores)[[0, -1]].tolist() == [1.0, 0.0]


def test_equal_cosines_count_as_at_or_above() -> None:
    quantiles = np.repeat([0.0, 1.0], [1000, 1001])
    np.testing.assert_allclose(pairs.share_beyond(quantiles, np.array([0.0, 0.5, 1.0])), [1.0, 0.5, 0.5], atol=1e-3)


def test_of_many_compounds_pairs_are_drawn_and_never_of_one_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit(200)
    exact = pairs.quantiles(vectors, seed=0)
    monkeypatch.setattr(pairs, "MOST_EXACT", 100)
    monkeypatch.setattr(pairs, "DRAWN", 200_000)
    drawn = pairs.quantiles(vectors, seed=0)
    assert np.abs(drawn - exact)[50:-50].max() < 0.01
    assert drawn[-1] < 0.9999
    np.testing.assert_array_equal(drawn, pairs.quantiles(vectors, seed=0))


def test_one_compound_has_no_pairs() -> None:
    none = pairs.quantiles(unit(1), seed=0)
    assert np.isnan(none).all()
    assert np.isnan(pairs.share_beyond(none, np.array([0.5]))).all()
