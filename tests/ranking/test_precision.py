"""Average precision against naive loops, scikit-learn, and counting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from impasto import ranking
from impasto.ranking import precision


def naive_average_precision(positives: list[float], negatives: list[float]) -> float:
    """The mean over positives of precision at their rank, straight from the definition; no ties."""
    ranked = sorted([(s, 1) for s in positives] + [(s, 0) for s in negatives], reverse=True)
    hits, total = 0, 0.0
    for place, (_, good) in enumerate(ranked, start=1):
        if good:
            hits += 1
            total += hits / place
    return total / len(positives)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 20), st.integers(0, 2**31))
def test_average_precision_is_the_definition_and_scikit_learns(p: int, q: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.permutation(p + q).astype(float)
    found = ranking.average_precision(scores[:p], scores[p:])
    assert found == pytest.approx(naive_average_precision(scores[:p].tolist(), scores[p:].tolist()))
    assert found == pytest.approx(average_precision_score([1] * p + [0] * q, scores))


def test_ties_are_averaged_so_a_constant_scores_as_chance_not_as_luck() -> None:
    assert ranking.average_precision(np.zeros(1), np.zeros(3)) == pytest.approx(1 / (1 + 1.5))
    same = np.ones((4, 2), dtype=np.float32)
    assert ranking.rank_of_match(same, same, (np.arange(4), np.arange(4))).tolist() == [2.5] * 4


@pytest.mark.parametrize(("p", "q"), [(1, 1), (1, 5), (2, 4), (3, 3), (4, 1)])
def test_chance_is_the_mean_over_all_rankings(p: int, q: int) -> None:
    every = [
        naive_average_precision([float(i) for i in places], [float(i) for i in range(p + q) if i not in places])
        for places in itertools.combinations(range(p + q), p)
    ]
    assert ranking.chance_average_precision(p, q) == pytest.approx(float(np.mean(every)))


def test_noise_scores_at_chance() -> None:
    rng = np.random.default_rng(0)
    values = ranking.average_precisions(rng.random((4000, 3)), rng.random((4000, 30)))
    assert values.mean() == pytest.approx(ranking.chance_average_precision(3, 30), abs=4 * values.std() / np.sqrt(4000))


def naive_with_ties(positives: list[float], negatives: list[float]) -> float:
    """The mean over positives of found / (found + negatives above), a tied negative counting a half; one comparison at a time."""
    total = 0.0
    for found, score in enumerate(sorted(positives, reverse=True), start=1):
        above = sum(1.0 if n > score else 0.5 if n == score else 0.0 for n in negatives)
        total += found / (found + above)
    return total / len(positives)


def _pool(seed: int) -> tuple[ranking.Floats, ranking.Floats, ranking.Rows, ranking.Floats, tuple[ranking.Rows, ranking.Rows]]:
    """Whole numbers, so that products are exact and ties are many: queries, a pool, ragged positives, pairs that are no negatives."""
    rng = np.random.default_rng(seed)
    queries, pool = (rng.integers(-2, 3, size=(n, 4)).astype(np.float32) for n in (9, 13))
    rows = np.repeat(np.arange(9), rng.integers(0, 4, 9))
    out = rng.random((9, 13)) < 0.2
    return queries, pool, rows, rng.integers(-9, 10, len(rows)).astype(np.float32), np.nonzero(out)


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_average_precisions_against_a_pool_are_the_definition(seed: int) -> None:
    queries, pool, rows, scores, out = _pool(seed)
    order = np.random.default_rng(seed).permutation(len(rows))
    found = ranking.pool_average_precisions(queries, pool, rows[order], scores[order], left_out=out)
    for query in range(len(queries)):
        positives = scores[rows == query].tolist()
        negatives = [float(queries[query] @ pool[j]) for j in range(len(pool)) if j not in out[1][out[0] == query]]
        assert found[query] == pytest.approx(naive_with_ties(positives, negatives) if positives else np.nan, nan_ok=True)


@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_threads_and_torch_change_no_average_precision(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    queries, pool = ranking.unit(rng.normal(size=(300, 16))), ranking.unit(rng.normal(size=(2000, 16)))
    rows, out = np.repeat(np.arange(300), 3), (np.arange(300), rng.integers(0, 2000, 300))
    scores = rng.uniform(0, 0.9, 900).astype(np.float32)
    whole = ranking.pool_average_precisions(queries, pool, rows, scores, left_out=out)
    on_torch = ranking.pool_average_precisions(queries, pool, rows, scores, left_out=out, device="cpu")
    monkeypatch.setattr(ranking.blocks, "BLOCK_BYTES", 4 * 8000 * 70)
    monkeypatch.setattr(ranking.blocks, "THREADS", threads)
    np.testing.assert_array_equal(ranking.pool_average_precisions(queries, pool, rows, scores, left_out=out), whole)
    np.testing.assert_allclose(on_torch, whole, atol=1e-6)
    right = (np.arange(300), rng.integers(0, 2000, 300))
    np.testing.assert_array_equal(ranking.rank_of_match(queries, pool, right, device="cpu"), ranking.rank_of_match(queries, pool, right))
    for (a, x), (b, y) in zip(
        ranking.similarity_blocks(queries, pool), ranking.similarity_blocks(queries, pool, device="cpu"), strict=True
    ):
        assert a == b
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_zero_and_minus_zero_tie_and_negative_scores_are_in_order() -> None:
    positives, negatives = np.array([[-0.0, -2.0]]), np.array([[0.0, -1.0, -3.0, 1e-40, -1e-40]])
    expected = naive_with_ties([0.0, -2.0], negatives[0].tolist())
    assert ranking.average_precisions(positives, negatives)[0] == pytest.approx(expected)


_SCORES = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(st.integers(0, 2**20), _SCORES), max_size=20))
def test_keys_are_in_the_order_of_pairs_and_hold_them_exactly(pairs: list[tuple[int, float]]) -> None:
    """The plain twin: sorted pairs of row and score. Zero and minus zero are one."""
    rows = np.array([row for row, _ in pairs], dtype=np.intp)
    scores = np.array([score for _, score in pairs], dtype=np.float32)
    keys = np.sort(precision._keys(rows, scores))
    expected = sorted((int(row), float(score) + 0.0) for row, score in zip(rows, scores, strict=True))
    assert list(zip((keys >> 32).tolist(), precision._scores(keys).tolist(), strict=True)) == expected


@given(st.lists(_SCORES, min_size=1, max_size=8), st.lists(_SCORES, min_size=1, max_size=12))
def test_average_precision_of_any_floats_is_a_plain_count(positives: list[float], negatives: list[float]) -> None:
    right, wrong = np.array([positives], dtype=np.float32), np.array([negatives], dtype=np.float32)
    assert ranking.average_precisions(right, wrong)[0] == pytest.approx(naive_with_ties(right[0].tolist(), wrong[0].tolist()))


def test_one_ranking_with_some_candidates_left_out_is_that_of_those_that_stay() -> None:
    """Against the function of one ranking, with ties, choice by choice."""
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 6, size=40).astype(np.float32)
    positive, stays = rng.random(40) < 0.3, rng.random((40, 25)) < 0.6
    stays[positive, 0] = False
    stays[~positive, 1] = False
    expected = [precision.average_precision(scores[positive & keep], scores[~positive & keep]) for keep in stays.T]
    found = precision.precision_among(scores, positive, stays)
    np.testing.assert_allclose(found, expected)
    assert np.isnan(found[0])
    assert found[1] == 1
