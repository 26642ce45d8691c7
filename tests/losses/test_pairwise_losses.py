"""SigCLIP, S2L and CLOOB against double loops in float64, gradcheck, and their limits."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from impasto.losses.cloob import cloob
from impasto.losses.s2l import answers, s2l
from impasto.losses.sigclip import sigclip


def pair(n: int = 5, width: int = 4, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    p, q = (torch.randn(n, width, generator=generator, dtype=torch.float64) for _ in range(2))
    return functional.normalize(p, dim=1), functional.normalize(q, dim=1)


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_sigclip_is_the_double_sum() -> None:
    p, q = pair()
    total = 0.0
    for i in range(5):
        for j in range(5):
            z = 1 if i == j else -1
            total -= math.log(sigmoid(z * (9.0 * dot(p[i].tolist(), q[j].tolist()) - 4.0)))
    assert float(sigclip(p, q, number(9.0), number(-4.0))) == pytest.approx(total / 5, rel=1e-12)


def naive_answers(p: list[list[float]]) -> list[list[float]]:
    found = []
    for a in p:
        row = []
        for b in p:
            distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
            similarity = 1 - 4 / math.pi * math.atan(distance / 0.3)
            row.append(1.75 * similarity - 0.75 if similarity >= 0.75 else 0.0)
        found.append(row)
    return found


def near(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of which two profiles are nearly one, so that their answer is between no and yes."""
    p, q = pair(seed=seed)
    p = p.clone()
    p[1] = functional.normalize(p[0] + 0.08 * p[2], dim=0)
    return p, q


def test_s2l_is_the_double_sum() -> None:
    p, q = near()
    w = naive_answers(p.tolist())
    assert 0.5 < w[0][1] < 1
    total = 0.0
    for i in range(5):
        for j in range(5):
            x = 6.0 * dot(p[i].tolist(), q[j].tolist()) - 2.0
            total -= math.log(w[i][j] * sigmoid(x) + (1 - w[i][j]) * sigmoid(-x))
    found = answers(p)
    torch.testing.assert_close(found, torch.tensor(w, dtype=torch.float64))
    assert float(s2l(p, q, number(6.0), number(-2.0), found)) == pytest.approx(total / 5, rel=1e-12)


def test_s2l_with_plain_answers_is_sigclip() -> None:
    p, q = pair()
    plain = torch.eye(5, dtype=torch.float64)
    assert float(s2l(p, q, number(6.0), number(-2.0), plain)) == pytest.approx(float(sigclip(p, q, number(6.0), number(-2.0))))


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


def test_gradients() -> None:
    p, q = (t.requires_grad_() for t in pair(4, 3))
    scale, bias = number(2.0).requires_grad_(), number(-1.0).requires_grad_()
    targets = answers(near()[0][:4])
    assert torch.autograd.gradcheck(sigclip, (p, q, scale, bias))
    assert torch.autograd.gradcheck(lambda a, b, s, t: s2l(a, b, s, t, targets), (p, q, scale, bias))
    assert torch.autograd.gradcheck(cloob, (p, q, scale))
    assert not answers(p).requires_grad


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 7))
def test_the_order_of_pairs_does_not_matter_and_matching_pairs_score_better(seed: int, n: int) -> None:
    p, q = pair(n, 8, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    scale, bias = number(10.0), number(-10.0)
    for loss in (
        lambda a, b: sigclip(a, b, scale, bias),
        lambda a, b: s2l(a, b, scale, bias, answers(a)),
        lambda a, b: cloob(a, b, scale),
    ):
        assert float(loss(p[order], q[order])) == pytest.approx(float(loss(p, q)), rel=1e-9)
        assert float(loss(p, p)) <= float(loss(p, p.roll(1, 0))) + 1e-9


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_answers_are_shares_with_a_yes_for_the_pair_itself(seed: int) -> None:
    p, _ = near(seed)
    found = answers(p)
    assert ((found >= 0) & (found <= 1)).all()
    torch.testing.assert_close(found.diagonal(), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(found, found.T)
