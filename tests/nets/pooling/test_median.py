"""Median pooling against the definition."""

from __future__ import annotations

import torch
from tests.nets.pooling.by_hand import bags

from impasto.nets.pooling import POOLINGS


def test_median_is_the_median_of_the_real_ones() -> None:
    values, mask = bags()
    found = POOLINGS["median"](width=6)(values, mask)
    for i, count in enumerate([5, 3, 1, 4]):
        ordered = values[i, :count].sort(dim=0).values
        torch.testing.assert_close(found[i], (ordered[(count - 1) // 2] + ordered[count // 2]) / 2)
