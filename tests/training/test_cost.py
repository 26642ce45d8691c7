"""Operations of a step, by hand; nothing is computed for them."""

from __future__ import annotations

import pytest
import torch
from tests.pretrain import every_method

from impasto.training import cost


def test_operations_are_counted_without_computing() -> None:
    method = every_method.made("wsl", "vit").train()
    feed = every_method.Random(method, focal=False)
    minibatch = feed.minibatch(feed.epoch(0)[0], epoch=0)
    before = {name: weight.clone() for name, weight in method.state_dict().items()}
    state = torch.get_rng_state()
    found = cost.operations(method, minibatch)
    # 6 images, 16 patches of 3 x 8 x 8 pixels and a CLS token, width 24, one block; every product forwards and twice backwards.
    tokens, patches = 6 * 17, 6 * 16
    products = 2 * patches * 192 * 24 + 2 * tokens * 24 * (72 + 24 + 96 + 96) + 2 * 6 * 24 * 2
    attention = 2 * 2 * 6 * 17 * 17 * 24
    # The gradient of pixels is not asked for, so the patches' projection has one product backwards.
    expected = 3 * (products + attention) - 2 * patches * 192 * 24
    assert found == pytest.approx(expected, rel=0.05)
    assert all(torch.equal(weight, before[name]) for name, weight in method.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weight.grad is None for weight in method.parameters())
