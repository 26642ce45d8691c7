"""SupCon against a loop written from CellPainTR's Eq. 11, and torch's own cross entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from impasto.losses.supcon import supcon


def eq11(h: np.ndarray, labels: list[int], tau: float) -> float:
    rows = []
    for i in range(len(h)):
        positives = [p for p in range(len(h)) if p != i and labels[p] == labels[i]]
        if not positives:
            continue
        below = sum(math.exp(h[i] @ h[a] / tau) for a in range(len(h)) if a != i)
        rows.append(-sum(math.log(math.exp(h[i] @ h[p] / tau) / below) for p in positives) / len(positives))
    return sum(rows) / len(rows) if rows else 0.0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=10), st.sampled_from([0.07, 0.5]), st.integers(0, 2**31))
def test_supcon_is_equation_11(labels: list[int], tau: float, seed: int) -> None:
    h = np.random.default_rng(seed).normal(size=(len(labels), 6))
    h /= np.linalg.norm(h, axis=1, keepdims=True)
    found = supcon(torch.tensor(h), torch.tensor(labels), temperature=tau)
    assert float(found) == pytest.approx(eq11(h, labels, tau), rel=1e-9, abs=1e-12)


def test_supcon_is_torchs_cross_entropy_with_soft_targets() -> None:
    """An independent road: the diagonal taken out, positives as a target distribution."""
    torch.manual_seed(0)
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 2])
    h = functional.normalize(torch.randn(7, 5, dtype=torch.float64), dim=1)
    off = ~torch.eye(7, dtype=torch.bool)
    logits = (h @ h.T / 0.07)[off].view(7, 6)
    same = (labels[:, None] == labels)[off].view(7, 6).double()
    expected = functional.cross_entropy(logits, same / same.sum(1, keepdim=True))
    torch.testing.assert_close(supcon(h, labels), expected)


def test_supcon_has_a_gradient_and_ignores_lone_rows() -> None:
    torch.manual_seed(1)
    h = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1, 1, 2])
    assert torch.autograd.gradcheck(lambda x: supcon(functional.normalize(x, dim=1), labels), (h,))
    assert float(supcon(functional.normalize(torch.randn(3, 4), dim=1), torch.tensor([0, 1, 2]))) == 0.0
