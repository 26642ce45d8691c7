"""The recall of known pairs without one or two groups of genes, against all pairs counted again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from impasto.evaluation.relation_scores import Blocks


def naive(similarity: np.ndarray, pairs: np.ndarray, stays: np.ndarray) -> float:
    """Of the known pairs of genes that stay, the share in either tenth of all pairs that stay."""
    genes = np.flatnonzero(stays)
    everything = np.array([similarity[i, j] for i, j in itertools.combinations(genes, 2)])
    recalled = []
    for i, j in pairs:
        if stays[i] and stays[j]:
            below, up_to = (everything < similarity[i, j]).mean(), (everything <= similarity[i, j]).mean()
            recalled.append(up_to <= 0.1 or below >= 0.9)
    return float(np.mean(recalled))


def test_recalls_without_one_and_two_groups_are_counted_again() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    blocks = Blocks.of(vectors, seed=1)
    every = np.array(list(itertools.combinations(range(40), 2)))
    pairs = every[rng.permutation(len(every))[:150]]
    similarity = vectors @ vectors.T
    found = blocks.left_out(similarity[tuple(pairs.T)], pairs, {0.1: lambda below, up_to: (up_to <= 0.1) | (below >= 0.9)})[0.1]
    assert found.whole == pytest.approx(naive(similarity, pairs, np.ones(40, dtype=bool)))
    count = int(blocks.group.max()) + 1
    assert count > 2
    for g in range(count):
        assert found.single[g] == pytest.approx(naive(similarity, pairs, blocks.group != g))
    for g, h in itertools.combinations(range(count), 2):
        assert found.pair[g, h] == pytest.approx(naive(similarity, pairs, ~np.isin(blocks.group, [g, h])))
