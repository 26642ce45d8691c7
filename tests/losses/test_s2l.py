"""S2L against a double loop in float64 written from its equation; its similarities carry gradient, and it is not SigCLIP."""

from __future__ import annotations

import math

import pytest
import torch
from tests.losses.by_hand import dot, near, number, pair, sigmoid

from impasto.losses.s2l import alike, s2l, similarities
from impasto.losses.sigclip import sigclip
from impasto.losses.soft_sigclip import answers, soft_sigclip


def naive_similarities(p: list[list[float]], least: float = 0.75) -> list[list[float]]:
    rows = []
    for a in p:
        row = []
        for b in p:
            distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
            similarity = 1 - 4 / math.pi * math.atan(distance / 0.3)
            row.append(similarity if similarity >= least else 0.0)
        rows.append(row)
    return rows


def naive(p: list[list[float]], q: list[list[float]], scale: float, bias: float, gamma: float, delta: float) -> float:
    r, total = naive_similarities(p), 0.0
    for i in range(len(p)):
        for j in range(len(q)):
            x = scale * dot(p[i], q[j]) + bias
            total -= r[i][j] * math.log(sigmoid(x)) + (gamma - delta * r[i][j]) * math.log(sigmoid(-x))
    return total / len(p)


@pytest.mark.parametrize(("gamma", "delta"), [(1.75, 0.75), (1.7, 0.75), (2.0, 0.5)])
def test_s2l_is_the_double_sum_of_its_authors(gamma: float, delta: float) -> None:
    p, q = near()
    assert 0.75 < naive_similarities(p.tolist())[0][1] < 1
    expected = naive(p.tolist(), q.tolist(), 6.0, -2.0, gamma, delta)
    assert float(s2l(p, q, number(6.0), number(-2.0), gamma=gamma, delta=delta)) == pytest.approx(expected, rel=1e-12)
    if gamma == 1.75:
        assert float(s2l(p, q, number(6.0), number(-2.0))) == pytest.approx(expected, rel=1e-12)


def test_a_pair_alone_by_hand() -> None:
    p = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    x = 2.0 * 1 - 0.5
    expected = -(math.log(sigmoid(x)) + (1.75 - 0.75) * math.log(sigmoid(-x)))
    assert float(s2l(p, p, number(2.0), number(-0.5))) == pytest.approx(expected, rel=1e-12)


def test_far_pairs_count_as_zero_and_the_own_as_one() -> None:
    p, _ = near()
    r = similarities(p)
    torch.testing.assert_close(r, torch.tensor(naive_similarities(p.tolist()), dtype=torch.float64))
    assert r.diagonal().tolist() == [1.0] * 5
    assert (r == 0).any()
    assert float(alike(p).min()) < 0.75


def test_the_gradient_flows_through_the_similarities() -> None:
    p, q = near()
    whole = p.clone().requires_grad_()
    s2l(whole, q, number(6.0), number(-2.0)).backward()
    # By central differences of the double sum, on rows that are not unit any more by less than the step.
    for i, k in ((0, 0), (1, 2)):
        step = 1e-6
        up, down = p.clone(), p.clone()
        up[i, k] += step
        down[i, k] -= step
        slope = float(s2l(up, q, number(6.0), number(-2.0)) - s2l(down, q, number(6.0), number(-2.0))) / (2 * step)
        assert float(whole.grad[i, k]) == pytest.approx(slope, rel=1e-4)
    still = p.clone().requires_grad_()
    r = similarities(p).detach()
    x = number(6.0) * still @ q.T + number(-2.0)
    log = torch.nn.functional.logsigmoid
    (-(r * log(x) + (1.75 - 0.75 * r) * log(-x)).sum() / 5).backward()
    assert not torch.allclose(still.grad, whole.grad)


def test_it_is_neither_sigclip_nor_soft_sigclip() -> None:
    p, q = pair()
    assert (similarities(p).count_nonzero() == 5).item(), "no two are near, as in a run whose soft answers are none"
    mine = float(s2l(p, q, number(6.0), number(-2.0)))
    assert mine != pytest.approx(float(sigclip(p, q, number(6.0), number(-2.0))), rel=0.05)
    assert mine != pytest.approx(float(soft_sigclip(p, q, number(6.0), number(-2.0), answers(p))), rel=0.05)
