"""Assignments to prototypes, their sharpening and MSN's two terms against plain loops in float64."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.by_hand import cos, rows, softmax

from impasto.losses import prototypes


def test_assignments_to_prototypes_are_equation_2() -> None:
    z, anchors = rows(4, 3), rows(5, 3, seed=1)
    found = prototypes.log_assignments(z, anchors, temperature=0.1).exp()
    for i in range(4):
        assert found[i].tolist() == pytest.approx(softmax([cos(z[i], o) / 0.1 for o in anchors]))


def test_sharpening_is_a_power_that_sums_to_one() -> None:
    p = softmax([0.1, 0.9, -0.3, 0.4])
    powers = [v ** (1 / 0.25) for v in p]
    found = prototypes.sharpen(torch.tensor(p, dtype=torch.float64).log(), temperature=0.25)
    assert found.tolist() == pytest.approx([v / sum(powers) for v in powers])


def test_sharpening_does_not_underflow() -> None:
    found = prototypes.sharpen(torch.tensor([-400.0, -401.0, -2000.0]), temperature=0.25)
    assert found.sum() == pytest.approx(1.0)
    assert found[0] == pytest.approx(1 / (1 + math.exp(-4)))


def test_the_two_terms_of_msn() -> None:
    log_p = torch.log_softmax(rows(6, 4), dim=1).view(2, 3, 4)
    targets = torch.softmax(rows(2, 4, seed=1), dim=1)
    p = log_p.exp()
    match = 0.0
    for row in range(2):
        for view in range(3):
            match -= sum(float(targets[row, k]) * math.log(float(p[row, view, k])) for k in range(4)) / 6
    mean = [sum(float(p[row, view, k]) for row in range(2) for view in range(3)) / 6 for k in range(4)]
    assert float(prototypes.cross_entropy(targets, log_p)) == pytest.approx(match)
    gap = math.log(4) + sum(m * math.log(m) for m in mean)
    assert float(prototypes.mean_entropy_gap(log_p)) == pytest.approx(gap)


@settings(deadline=None)
@given(st.integers(2, 12), st.integers(2, 9), st.integers(0, 10**6))
def test_the_gap_is_between_zero_and_log_k(n: int, count: int, seed: int) -> None:
    log_p = torch.log_softmax(5 * rows(n, count, seed=seed), dim=1)[:, None]
    assert -1e-9 <= float(prototypes.mean_entropy_gap(log_p)) <= math.log(count) + 1e-9
    one = torch.full((n, 1, count), -1e9, dtype=torch.float64)
    one[..., 0] = 0.0
    assert float(prototypes.mean_entropy_gap(one)) == pytest.approx(math.log(count))


def test_sinkhorn_uses_all_prototypes_alike() -> None:
    p = torch.softmax(3 * rows(12, 4), dim=1)
    q = p / p.sum()
    for _ in range(50):
        for k in range(4):
            q[:, k] = q[:, k] / q[:, k].sum() / 4
        for i in range(12):
            q[i] = q[i] / q[i].sum() / 12
    found = prototypes.sinkhorn(p, iterations=50)
    torch.testing.assert_close(found, q * 12)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(12, dtype=torch.float64))
    torch.testing.assert_close(found.sum(dim=0), torch.full((4,), 3.0, dtype=torch.float64), rtol=1e-4, atol=1e-4)


def test_entropy_is_the_mean_over_rows_in_nats() -> None:
    p = torch.softmax(rows(5, 4), dim=1)
    naive = -sum(float(v) * math.log(float(v)) for row in p for v in row) / 5
    assert float(prototypes.entropy(p.log())) == pytest.approx(naive)
