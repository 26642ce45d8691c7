"""Nearest candidates and ranks of matches, beside plain counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto import ranking


def test_rank_of_match_is_a_plain_count() -> None:
    rng = np.random.default_rng(1)
    q, c = ranking.unit(rng.normal(size=(7, 5))), ranking.unit(rng.normal(size=(9, 5)))
    matches = rng.random((7, 9)) < 0.3
    matches[0] = False
    found = ranking.rank_of_match(q, c, np.nonzero(matches))
    assert np.isnan(found[0])
    for i in range(1, 7):
        scores = [float(q[i] @ c[j]) for j in range(9)]
        if not matches[i].any():
            continue
        best = max(scores[j] for j in range(9) if matches[i, j])
        assert found[i] == 1 + sum(scores[j] > best for j in range(9) if not matches[i, j])


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_ranks_are_counts_whatever_the_ties_and_the_blocks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    q, c = rng.integers(-1, 2, size=(8, 3)).astype(np.float32), rng.integers(-1, 2, size=(6, 3)).astype(np.float32)
    right = rng.random((8, 6)) < 0.3
    with pytest.MonkeyPatch.context() as patch:
        blocks = ranking.similarity_blocks
        patch.setattr(ranking.nearest, "similarity_blocks", lambda a, b, **said: blocks(a, b, block_bytes=4 * 6 * 3, **said))
        found = ranking.rank_of_match(q, c, np.nonzero(right))
    for i in range(8):
        scores = [float(q[i] @ c[j]) for j in range(6)]
        best = max((scores[j] for j in range(6) if right[i, j]), default=np.nan)
        expected = 1 + sum((scores[j] > best) + (scores[j] == best) / 2 for j in range(6) if not right[i, j])
        assert found[i] == (expected if right[i].any() else pytest.approx(np.nan, nan_ok=True))


def test_copies_of_a_candidate_tie_whatever_the_shape() -> None:
    """Products of equal columns differ by a rounding at some of these shapes; those of copies do not."""
    rng = np.random.default_rng(3)
    for m in (5, 33, 67):
        q, c = rng.normal(size=(9, 512)).astype(np.float32), rng.normal(size=(m, 512)).astype(np.float32)
        copies = np.concatenate([np.arange(m), [0, 0, m - 1]])
        own = rng.integers(0, len(copies), size=9)
        found = ranking.rank_of_match(q, c, (np.arange(9), own), copies=copies)
        for i in range(9):
            scores = [sum(float(a) * float(b) for a, b in zip(q[i], c[row], strict=True)) for row in range(m)]
            above = sum(scores[row] > scores[copies[own[i]]] for row in copies)
            assert found[i] == 1 + above + (list(copies).count(copies[own[i]]) - 1) / 2


def test_blocks_change_nothing() -> None:
    rng = np.random.default_rng(2)
    q, c = ranking.unit(rng.normal(size=(50, 8))), ranking.unit(rng.normal(size=(40, 8)))
    whole = np.concatenate([s for _, s in ranking.similarity_blocks(q, c, block_bytes=4 * 40 * 7)])
    np.testing.assert_allclose(whole, q @ c.T, atol=1e-6)
    indices, scores = ranking.top_k(q, c, k=3)
    np.testing.assert_array_equal(indices, np.argsort(-(q @ c.T), axis=1, kind="stable")[:, :3])
    assert (np.diff(scores, axis=1) <= 0).all()
