"""The validation score, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.joint.validation import consensus, reciprocal_rank


def test_the_reciprocal_rank_by_hand() -> None:
    profiles = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    perturbations = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    found = reciprocal_rank(profiles, perturbations)
    # rows: 1, 2 (1 > .8), 2 (1 > .8); columns: 1, 2, 2
    assert found["score"] == pytest.approx((1 + 1 / 2 + 1 / 2) * 2 / 6)
    assert found["chance"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_a_constant_model_scores_its_middle_rank() -> None:
    assert reciprocal_rank(torch.ones(5, 2), torch.ones(5, 2))["score"] == pytest.approx(1 / 3)


def test_a_consensus_is_a_unit_mean() -> None:
    found = consensus(torch.tensor([[3.0, 0.0], [0.0, 4.0], [1.0, 0.0]]), np.array([0, 0, 1]))
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8], [1.0, 0.0]]))
