"""Similarities in blocks, beside whole matrices."""

from __future__ import annotations

import numpy as np
import pytest

from impasto import ranking
from impasto.schema import InputError


def test_a_device_that_is_not_there_is_a_sentence() -> None:
    vectors = np.eye(3, dtype=np.float32)
    with pytest.raises(InputError, match="device 'nowhere' cannot be used"):
        list(ranking.similarity_blocks(vectors, vectors, device="nowhere"))


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_every_pair_is_there_once(rows: int) -> None:
    vectors = ranking.unit(np.random.default_rng(3).normal(size=(11, 5)))
    found = np.concatenate(list(ranking.pair_blocks(vectors, block_bytes=4 * 11 * rows)))
    np.testing.assert_allclose(np.sort(found), np.sort((vectors @ vectors.T)[np.triu_indices(11, k=1)]), atol=1e-6)


def test_a_row_of_zeros_stays_zero() -> None:
    assert ranking.unit(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0.0, 0.0], [pytest.approx(0.6), pytest.approx(0.8)]]


def test_a_block_is_no_larger_than_it_may_be() -> None:
    vectors = ranking.unit(np.random.default_rng(3).normal(size=(11, 5)))
    of_pairs = [len(block) for block in ranking.pair_blocks(vectors, block_bytes=4 * 11 * 3)]
    assert of_pairs == [3 + 3 * 8, 3 + 3 * 5, 3 + 3 * 2, 1]
    of_queries = [len(products) for _, products in ranking.similarity_blocks(vectors[:7], vectors, block_bytes=4 * 11 * 3)]
    assert of_queries == [3, 3, 1]
    assert [len(products) for _, products in ranking.similarity_blocks(vectors[:2], vectors, block_bytes=1)] == [1, 1]
