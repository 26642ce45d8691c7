"""The distance of unit vectors against a plain loop in float64."""

from __future__ import annotations

import math

import pytest
from tests.losses.by_hand import rows

from impasto.losses.cosine import cosine


def test_cosine_is_the_distance_of_unit_vectors() -> None:
    predictions, targets = rows(6, 4), rows(6, 4, seed=1)
    expected = 0.0
    for p, t in zip(predictions, targets, strict=True):
        unit_p, unit_t = p / math.sqrt(float((p**2).sum())), t / math.sqrt(float((t**2).sum()))
        expected += sum((float(a) - float(b)) ** 2 for a, b in zip(unit_p, unit_t, strict=True)) / 6
    assert float(cosine(predictions, targets)) == pytest.approx(expected)
