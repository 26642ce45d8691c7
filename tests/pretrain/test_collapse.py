"""Monitors of collapse by hand."""

from __future__ import annotations

import math

import pytest
import torch

from impasto.pretrain.collapse import effective_rank, prototypes_used


def test_the_rank_is_the_exponential_of_the_entropy_of_the_singular_values() -> None:
    # Rows that are centred and orthogonal: singular values sqrt(2) * (3, 1).
    rows = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) + 5.0
    assert float(effective_rank(rows)) == pytest.approx(math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25))), rel=1e-5)
    assert float(effective_rank(torch.ones(4, 3) * torch.arange(4.0)[:, None])) == pytest.approx(1.0, abs=1e-4)


def test_prototypes_that_are_nearest_to_some_row_over_the_most_that_could_be() -> None:
    log_p = torch.tensor([[[5.0, 0, 0, 0]], [[5.0, 0, 0, 0]], [[0, 5.0, 0, 0]]])
    assert float(prototypes_used(log_p)) == pytest.approx(2 / 3)
    assert float(prototypes_used(log_p.repeat(3, 1, 1))) == pytest.approx(2 / 4)
