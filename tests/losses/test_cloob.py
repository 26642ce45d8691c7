"""CLOOB against its equations written out in float64."""

from __future__ import annotations

import math

import pytest
from tests.losses.by_hand import dot, number, pair

from impasto.losses.cloob import cloob


def naive_retrieved(x: list[float], stored: list[list[float]], beta: float) -> list[float]:
    weight = [math.exp(beta * dot(x, s)) for s in stored]
    mixed = [sum(w * s[f] for w, s in zip(weight, stored, strict=True)) / sum(weight) for f in range(len(x))]
    length = math.sqrt(dot(mixed, mixed))
    return [m / length for m in mixed]


def naive_loob(a: list[list[float]], b: list[list[float]], scale: float) -> float:
    total = 0.0
    for i in range(len(a)):
        others = sum(math.exp(scale * dot(a[i], b[j])) for j in range(len(a)) if j != i)
        total -= math.log(math.exp(scale * dot(a[i], b[i])) / others)
    return total / len(a)


def test_cloob_is_the_equations_written_out() -> None:
    p, q = pair()
    rows, others = p.tolist(), q.tolist()

    def all_retrieved(states: list[list[float]], stored: list[list[float]]) -> list[list[float]]:
        return [naive_retrieved(x, stored, 14.3) for x in states]

    first = naive_loob(all_retrieved(rows, rows), all_retrieved(others, rows), 5.0)
    second = naive_loob(all_retrieved(others, others), all_retrieved(rows, others), 5.0)
    assert float(cloob(p, q, number(5.0))) == pytest.approx((first + second) / 2, rel=1e-10)
