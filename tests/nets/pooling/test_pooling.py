"""What every pooling must keep to: order and padding change nothing, a bag of one is itself."""

from __future__ import annotations

import pytest
import torch
from tests.nets.pooling.by_hand import bags

from impasto.nets.pooling import POOLINGS


@pytest.mark.parametrize("name", sorted(POOLINGS))
def test_order_and_padding_change_nothing(name: str) -> None:
    torch.manual_seed(0)
    pooling = POOLINGS[name](width=6)
    values, mask = bags()
    found = pooling(values, mask)
    assert found.shape == (4, 3, 6)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(pooling(values[:, order], mask[:, order]), found)
    for padding in (1e6, float("nan"), float("inf")):
        noisy = torch.where(mask[..., None, None], values, torch.full_like(values, padding)).requires_grad_()
        again = pooling(noisy, mask)
        torch.testing.assert_close(again, found)
        again.sum().backward()
        assert torch.isfinite(noisy.grad).all()
        assert not noisy.grad[~mask].any()
    longer = torch.cat([values, torch.randn(4, 3, 3, 6)], dim=1)
    torch.testing.assert_close(pooling(longer, torch.cat([mask, torch.zeros(4, 3, dtype=torch.bool)], dim=1)), found)


@pytest.mark.parametrize("name", sorted(POOLINGS))
def test_a_bag_of_one_is_itself(name: str) -> None:
    values = torch.randn(2, 1, 3, 6)
    torch.testing.assert_close(POOLINGS[name](width=6)(values, torch.ones(2, 1, dtype=torch.bool)), values[:, 0])
