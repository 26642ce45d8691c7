"""Cosines within and between labels, pair by pair; the jackknife and the shuffles of the score."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from impasto.evaluation import units
from impasto.evaluation.same_label import SameLabel, score


def naive(vectors: np.ndarray, labels: np.ndarray) -> float:
    same, other = [], []
    for i, j in itertools.combinations(range(len(labels)), 2):
        a, b = vectors[i], vectors[j]
        (same if labels[i] == labels[j] else other).append(float(a @ b / np.sqrt((a @ a) * (b @ b))))
    return float(np.mean(same) - np.mean(other))


def planted(seed: int = 0, effect: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(8), 5)
    return rng.normal(size=(40, 12)) + effect * rng.normal(size=(8, 12))[labels], labels


def test_the_score_is_every_pair_counted() -> None:
    vectors, labels = planted()
    assert score(vectors, labels) == pytest.approx(naive(vectors, labels), abs=1e-5)
    assert np.isnan(score(vectors, np.zeros(40, dtype=int)))
    assert np.isnan(score(vectors, np.arange(40)))


def test_a_group_leaves_with_all_of_its_things() -> None:
    vectors, labels = planted()
    scored = SameLabel(vectors, labels, units.named([f"{label}" for label in labels], word="gene"), 0)
    left = scored.left_out()
    assert left.whole == pytest.approx(scored.value)
    gone = labels == np.flatnonzero(scored.sampled.groups(seed=0)[np.arange(0, 40, 5)] == 0)[0]
    assert left.single[0] == pytest.approx(naive(vectors[~gone], labels[~gone]), abs=1e-5)


def test_shuffles_find_what_is_there_and_nothing_else() -> None:
    vectors, labels = planted()
    sampled = units.named([f"{i}" for i in range(40)], word="gene")
    found = SameLabel(vectors, labels, sampled, 0).chance(99)
    assert found is not None
    assert found.p == 0.01
    assert abs(found.mean) < 0.02
    p = [SameLabel(*planted(seed, 0.0), sampled, seed).chance(199).p for seed in range(60)]  # type: ignore[union-attr]
    assert np.mean(np.array(p) <= 0.2) < 0.36
    assert SameLabel(vectors, labels, sampled, 0).chance(0) is None


def test_a_change_is_made_again_for_every_shuffle() -> None:
    vectors, labels = planted()
    sampled = units.named([f"{i}" for i in range(40)], word="gene")
    seen = []

    def change(given: np.ndarray, of: np.ndarray) -> np.ndarray:
        seen.append(of.copy())
        return given

    SameLabel(vectors, labels, sampled, 0, change).chance(5)
    assert len({tuple(of) for of in seen}) == 6
