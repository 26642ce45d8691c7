"""CLIP against a double loop in float64."""

from __future__ import annotations

import pytest
import torch
from tests.losses.by_hand import naive_direction, one_hot, pair

from impasto.losses.clip import clip


def test_clip_is_the_mean_of_both_directions() -> None:
    p, q = pair()
    expected = 0.5 * (naive_direction(p.tolist(), q.tolist(), 7.0, one_hot(5)) + naive_direction(q.tolist(), p.tolist(), 7.0, one_hot(5)))
    assert float(clip(p, q, torch.tensor(7.0, dtype=torch.float64))) == pytest.approx(expected, rel=1e-12)


def test_the_order_of_pairs_does_not_matter() -> None:
    p, q = pair(6)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor(4.0, dtype=torch.float64)
    assert float(clip(p, q, scale)) == pytest.approx(float(clip(p[order], q[order], scale)))
