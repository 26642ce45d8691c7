"""What both poolings by clusters share: order and padding, gradients, a small group that counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nets.pooling.by_hand import bag, pooled

from impasto.nets.pooling.hierarchical import Hierarchical
from impasto.nets.pooling.kmeans import KMeans


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(0, 4), st.sampled_from([KMeans, Hierarchical]))
def test_neither_order_nor_padding_counts(seed: int, k: int, padding: int, kind: type[KMeans | Hierarchical]) -> None:
    values = torch.as_tensor(np.stack([bag(k, seed=seed), bag(k, seed=seed + 1)], axis=1))[None]
    whole = kind()(values, torch.ones(1, k, dtype=torch.bool))
    order = torch.randperm(k + padding, generator=torch.Generator().manual_seed(seed))
    padded = torch.cat([values, torch.full((1, padding, 2, 4), float("nan"), dtype=torch.float64)], dim=1)[:, order]
    mask = torch.cat([torch.ones(1, k), torch.zeros(1, padding)], dim=1).bool()[:, order]
    before = padded.clone()
    torch.testing.assert_close(kind()(padded, mask), whole)
    assert torch.equal(padded.nan_to_num(), before.nan_to_num())


@pytest.mark.parametrize("kind", [KMeans, Hierarchical])
def test_gradients_flow_to_the_profiles(kind: type[KMeans | Hierarchical]) -> None:
    values = torch.as_tensor(bag(6, d=3, seed=2))[None, :, None].requires_grad_()
    mask = torch.tensor([[True] * 5 + [False]])
    assert torch.autograd.gradcheck(lambda v: kind()(v, mask), (values,))


def test_a_small_group_counts_as_much_as_the_crowd() -> None:
    values = np.concatenate([np.zeros((9, 2)) + 0.01 * bag(9, d=2), np.array([[10.0, 10.0]])])
    for pooling in (KMeans(clusters=2), Hierarchical(clusters=2)):
        assert pooled(pooling, values)[0] == pytest.approx(5.0, abs=0.1)
