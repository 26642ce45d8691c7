"""SigCLIP against a double loop in float64."""

from __future__ import annotations

import math

import pytest
from tests.losses.by_hand import dot, number, pair, sigmoid

from impasto.losses.sigclip import sigclip


def test_sigclip_is_the_double_sum() -> None:
    p, q = pair()
    total = 0.0
    for i in range(5):
        for j in range(5):
            z = 1 if i == j else -1
            total -= math.log(sigmoid(z * (9.0 * dot(p[i].tolist(), q[j].tolist()) - 4.0)))
    assert float(sigclip(p, q, number(9.0), number(-4.0))) == pytest.approx(total / 5, rel=1e-12)
