"""NT-Xent against a plain loop in float64, written from SimCLR."""

from __future__ import annotations

import math

import pytest
from tests.losses.by_hand import cos, rows

from impasto.losses.nt_xent import nt_xent


def test_nt_xent_is_equation_1_of_simclr() -> None:
    first, second = rows(5, 4), rows(5, 4, seed=1)
    views = [*first, *second]
    losses = []
    for i in range(10):
        j = (i + 5) % 10
        below = sum(math.exp(cos(views[i], views[k]) / 0.3) for k in range(10) if k != i)
        losses.append(-math.log(math.exp(cos(views[i], views[j]) / 0.3) / below))
    assert float(nt_xent(first, second, temperature=0.3)) == pytest.approx(sum(losses) / 10)
