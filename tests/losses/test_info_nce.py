"""InfoNCE against a plain loop in float64, written from MoCo v3."""

from __future__ import annotations

import math

import pytest
from tests.losses.by_hand import cos, rows, softmax

from impasto.losses.info_nce import info_nce


def test_info_nce_is_algorithm_1_of_moco_v3() -> None:
    queries, keys = rows(6, 4), rows(6, 4, seed=1)
    losses = []
    for i in range(6):
        p = softmax([cos(queries[i], k) / 0.2 for k in keys])
        losses.append(-math.log(p[i]))
    assert float(info_nce(queries, keys, temperature=0.2)) == pytest.approx(2 * 0.2 * sum(losses) / 6)
