"""A query among a pool: z, p and the largest z in loops, blocks, ties, and queries that are one more of the pool."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.statistics import pool


def _loop(scores: np.ndarray) -> tuple[list[float], list[float], float]:
    """z and p of each candidate, and p of the query: everyone is measured by all the others."""
    rows, candidates = scores.shape
    z = np.zeros((rows, candidates))
    for i in range(rows):
        for c in range(candidates):
            others = [float(scores[j, c]) for j in range(rows) if j != i]
            mean = sum(others) / len(others)
            sd = (sum((x - mean) ** 2 for x in others) / len(others)) ** 0.5
            z[i, c] = (scores[i, c] - mean) / sd
    p = [(1 + sum(scores[j, c] >= scores[-1, c] for j in range(rows - 1))) / rows for c in range(candidates)]
    largest = z.max(axis=1)
    return z[-1].tolist(), p, (1 + sum(largest[j] >= largest[-1] for j in range(rows - 1))) / rows


@pytest.mark.parametrize("cuts", [[], [3], [1, 5]])
def test_it_is_the_loop_of_its_definition_whatever_the_blocks(cuts: list[int]) -> None:
    scores = np.random.default_rng(0).normal(size=(12, 7))
    z, p, query_p = _loop(scores)
    got = pool.standing(np.split(scores, cuts, axis=1))
    np.testing.assert_allclose(got.z, z)
    np.testing.assert_allclose(got.p, p)
    assert got.query_p == pytest.approx(query_p)
    assert got.smallest_p == 1 / 12


def test_a_query_that_stands_out_has_the_smallest_p() -> None:
    scores = np.random.default_rng(0).normal(size=(40, 5))
    scores[-1, 2] = 50
    got = pool.standing([scores])
    assert got.query_p == got.p[2] == 1 / 40
    assert got.p[[1, 3, 4]].min() > 1 / 40


def test_ties_count_against_the_query() -> None:
    got = pool.standing([np.ones((20, 3), dtype=np.float32)])
    assert (got.p.tolist(), got.query_p, got.z.tolist()) == ([1, 1, 1], 1, [0, 0, 0])


def test_a_query_that_is_one_more_of_the_pool_is_called_at_its_rate() -> None:
    rng = np.random.default_rng(1)
    p = [pool.standing([rng.normal(size=(20, 30))]).query_p for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 400))
