"""Maximum pooling against the definition."""

from __future__ import annotations

from tests.nets.pooling.by_hand import bags

from impasto.nets.pooling import POOLINGS


def test_maximum_is_the_largest_of_the_real_ones_feature_by_feature() -> None:
    values, mask = bags()
    values = values - 10  # all below 0: padding that counted as 0 would win
    found = POOLINGS["max"](width=6)(values, mask)
    for i, count in enumerate([5, 3, 1, 4]):
        for c in range(values.shape[2]):
            for j in range(values.shape[3]):
                assert float(found[i, c, j]) == max(float(values[i, k, c, j]) for k in range(count))
