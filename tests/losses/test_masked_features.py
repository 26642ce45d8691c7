"""Masked features against a loop written from CellPainTR's Eq. 9."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.losses.masked_features import masked_features


def eq9(predicted: np.ndarray, values: np.ndarray, masked: np.ndarray, groups: np.ndarray) -> float:
    terms = []
    for g in sorted(set(groups.tolist())):
        errors = [
            (values[n, i] - predicted[n, i]) ** 2
            for n in range(values.shape[0])
            for i in range(values.shape[1])
            if groups[i] == g and masked[n, i]
        ]
        if errors:
            terms.append(sum(errors) / len(errors))
    return sum(terms) / len(terms) if terms else 0.0


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 4), st.floats(0, 1), st.integers(0, 2**31))
def test_masked_features_is_equation_9(rows: int, features: int, groups: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted, values = rng.normal(size=(2, rows, features))
    masked = rng.random((rows, features)) < share
    codes = rng.integers(0, groups, features)
    found = masked_features(*map(torch.tensor, (predicted, values, masked, codes)))
    assert float(found) == pytest.approx(eq9(predicted, values, masked, codes), rel=1e-12, abs=1e-12)


def test_values_that_are_not_masked_do_not_count() -> None:
    predicted = torch.tensor([[0.0, 5.0]], requires_grad=True)
    loss = masked_features(predicted, torch.tensor([[1.0, float("nan")]]), torch.tensor([[True, False]]), torch.tensor([0, 0]))
    loss.backward()
    assert loss.item() == 1.0
    assert predicted.grad is not None
    assert predicted.grad.tolist() == [[-2.0, 0.0]]
