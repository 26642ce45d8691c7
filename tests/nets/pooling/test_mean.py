"""Mean pooling against the definition."""

from __future__ import annotations

import torch
from tests.nets.pooling.by_hand import bags

from impasto.nets.pooling.mean import Mean


def test_mean_is_the_mean_of_the_real_ones() -> None:
    values, mask = bags()
    for found, bag, count in zip(Mean()(values, mask), values, [5, 3, 1, 4], strict=True):
        torch.testing.assert_close(found, sum(bag[k] for k in range(count)) / count)
