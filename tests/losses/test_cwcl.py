"""CWCL against a double loop in float64; its weights, from uniform to one-hot."""

from __future__ import annotations

import math

import pytest
import torch
from tests.losses.by_hand import naive_direction, one_hot, pair
from torch.nn import functional

from impasto.losses.clip import clip
from impasto.losses.cwcl import CWCL, cwcl, entropy_share, weights
from impasto.losses.pairs import Pairs


def test_cwcl_is_the_corrected_equation_five() -> None:
    p, q = pair()
    pooled = torch.randn(5, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    w = [
        [sum(0.5 / 3 * float(functional.cosine_similarity(pooled[i, c], pooled[j, c], dim=0)) for c in range(3)) + 0.5 for j in range(5)]
        for i in range(5)
    ]
    expected = 0.5 * (naive_direction(p.tolist(), q.tolist(), 3.0, w) + naive_direction(q.tolist(), p.tolist(), 3.0, one_hot(5)))
    assert float(cwcl(p, q, torch.tensor(3.0, dtype=torch.float64), weights(pooled))) == pytest.approx(expected, rel=1e-9)


def test_with_one_hot_targets_cwcl_is_clip() -> None:
    p, q = pair()
    scale = torch.tensor(5.0, dtype=torch.float64)
    assert float(cwcl(p, q, scale, torch.eye(5, dtype=torch.float64))) == pytest.approx(float(clip(p, q, scale)))


def test_weights_carry_no_gradient_and_do_not_change_their_input() -> None:
    pooled = torch.randn(4, 2, 3, requires_grad=True)
    before = pooled.detach().clone()
    found = weights(pooled, centre=True, sharpness=5.0, top=2)
    assert not found.requires_grad
    assert torch.equal(pooled.detach(), before)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(4))
    assert ((found > 0).sum(dim=1) == 2).all()


def test_sharpness_moves_the_entropy_from_uniform_to_one_hot() -> None:
    pooled = torch.randn(16, 3, 8)
    shares = [float(entropy_share(weights(pooled, sharpness=s))) for s in (0.0, 5.0, 50.0, 500.0)]
    assert shares[0] == pytest.approx(1.0, abs=1e-5)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.05


@pytest.mark.parametrize("top", [None, 2])
def test_sharpened_weights_are_their_formula_written_out(top: int | None) -> None:
    pooled = torch.randn(5, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    middle = sum(pooled) / 5
    found = weights(pooled, centre=True, sharpness=4.0, top=top)
    for i in range(5):
        cosines = [
            [float(functional.cosine_similarity(pooled[i, c] - middle[c], p[c] - middle[c], dim=0)) for c in range(3)] for p in pooled
        ]
        raw = [math.exp((0.5 + sum(c) / 6 - 1) * 4.0) for c in cosines]
        kept = [w if top is None or w >= sorted(raw)[-top] else 0.0 for w in raw]
        assert found[i].tolist() == pytest.approx([w / sum(kept) for w in kept])


def test_entropy_is_a_share_of_that_of_the_uniform() -> None:
    targets = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.25] * 4], dtype=torch.float64)
    assert float(entropy_share(targets)) == pytest.approx((math.log(2) + 2 * math.log(4)) / 4 / math.log(4))


def test_the_soft_direction_is_that_of_the_profiles() -> None:
    p, q = pair()
    targets = weights(torch.randn(5, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    scale = torch.tensor(3.0, dtype=torch.float64)
    pairs = Pairs(profiles=p, perturbations=q, scale=scale, bias=torch.tensor(0.0), targets=targets)
    assert float(CWCL.value(pairs)) == pytest.approx(float(cwcl(p, q, scale, targets)))
    assert float(CWCL.value(pairs)) != pytest.approx(float(cwcl(q, p, scale, targets)))
