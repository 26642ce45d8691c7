"""Soft SigCLIP against a double loop in float64, its answers, and its limit, SigCLIP."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.by_hand import dot, near, number, pair, sigmoid

from impasto.losses.sigclip import sigclip
from impasto.losses.soft_sigclip import answers, soft_sigclip


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


def test_soft_sigclip_is_the_double_sum() -> None:
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
    assert float(soft_sigclip(p, q, number(6.0), number(-2.0), found)) == pytest.approx(total / 5, rel=1e-12)


def test_soft_sigclip_with_plain_answers_is_sigclip() -> None:
    p, q = pair()
    plain = torch.eye(5, dtype=torch.float64)
    assert float(soft_sigclip(p, q, number(6.0), number(-2.0), plain)) == pytest.approx(float(sigclip(p, q, number(6.0), number(-2.0))))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_answers_are_shares_with_a_yes_for_the_pair_itself(seed: int) -> None:
    p, _ = near(seed)
    found = answers(p)
    assert ((found >= 0) & (found <= 1)).all()
    torch.testing.assert_close(found.diagonal(), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(found, found.T)


def test_answers_carry_no_gradient() -> None:
    assert not answers(pair()[0].requires_grad_()).requires_grad


def test_answers_above_the_underflow_of_a_sigmoid_stay_finite() -> None:
    """A pair that is far off and an answer of exactly yes or no: sigmoid(-400) is 0 in float32, its logarithm is not."""
    p, q = torch.eye(2), -torch.eye(2)
    assert float(soft_sigclip(p, q, torch.tensor(400.0), torch.tensor(0.0), torch.eye(2))) == pytest.approx(400 + math.log(2))


def test_answers_are_cut_at_one_and_zero_below_the_least() -> None:
    p = torch.tensor([[1.0, 0.0], [math.cos(0.1), math.sin(0.1)], [0.0, 1.0]], dtype=torch.float64)
    steep = answers(p, gamma=3.0, delta=0.5, least=0.2)
    assert steep.diagonal().tolist() == [1.0, 1.0, 1.0]
    assert steep[0, 1] == 1.0
    assert steep[0, 2] == 0.0
    # Below zero the line is cut too, where the least similarity does not do it.
    assert answers(p, gamma=1.0, delta=0.75, least=-9.0)[0, 2] == 0.0
