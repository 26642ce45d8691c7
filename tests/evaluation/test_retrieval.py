"""Rankings without groups beside rankings that never had them, with ties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.evaluation.small import precision

from impasto.evaluation import retrieval


@pytest.mark.parametrize("tied", [False, True])
def test_rankings_without_groups_are_those_of_fewer_candidates(tied: bool) -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (6, 12)).astype(float) if tied else rng.normal(size=(6, 12))
    kind = rng.integers(0, 3, (6, 12))  # 0: right, 1: wrong, 2: no candidate
    kind[5] = 1
    group, of_query = np.arange(12) % 4, np.array([0, 1, 2, 3, 0, 1])
    lists = ((s, np.flatnonzero(k == 0), np.flatnonzero(k == 1)) for s, k in zip(scores, kind, strict=True))
    ranked = retrieval.rankings(lists, group=of_query, candidates=group, groups=4)
    for gone in [(), *((g,) for g in range(4)), *itertools.combinations(range(4), 2)]:
        found = ranked.precisions(np.array(gone, dtype=np.intp))
        for query in range(6):
            stays = ~np.isin(group, gone)
            right, wrong = scores[query, stays & (kind[query] == 0)], scores[query, stays & (kind[query] == 1)]
            if of_query[query] in gone or not len(right) or not len(wrong):
                assert np.isnan(found[query])
            else:
                assert found[query] == pytest.approx(precision(right.tolist(), wrong.tolist()))


def test_precisions_from_mean_ranks_are_those_of_the_scores() -> None:
    rng = np.random.default_rng(1)
    scores, right = rng.integers(0, 5, (8, 15)).astype(np.float32), rng.random((8, 15)) < 0.3
    candidates = rng.random((8, 15)) < 0.8
    right &= candidates
    right[7] = False
    ranks = retrieval.mean_ranks(scores, candidates)
    assert np.isnan(ranks[~candidates]).all()
    query, answer = np.nonzero(right)
    found, number = retrieval.precisions_of(query, ranks[query, answer], total=8)
    assert number.tolist() == right.sum(axis=1).tolist()
    assert np.isnan(found[7])
    for q in range(7):
        if right[q].any():
            wrong = scores[q, candidates[q] & ~right[q]]
            assert found[q] == pytest.approx(precision(scores[q, right[q]].tolist(), wrong.tolist()))
