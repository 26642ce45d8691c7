"""CLIP and CWCL against double loops in float64, gradcheck, and their limits."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from impasto.losses.clip import clip
from impasto.losses.cwcl import cwcl, entropy_share, weights


def pair(n: int = 5, width: int = 4, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    p, q = (torch.randn(n, width, generator=generator, dtype=torch.float64) for _ in range(2))
    return functional.normalize(p, dim=1), functional.normalize(q, dim=1)


def naive_direction(p: list[list[float]], q: list[list[float]], scale: float, w: list[list[float]]) -> float:
    """-(1/N) sum_i sum_j w_ij / sum_j w_ij * log softmax_j(s <p_i, q_j>), written out."""
    n, total = len(p), 0.0
    for i in range(n):
        scores = [scale * sum(a * b for a, b in zip(p[i], q[j], strict=True)) for j in range(n)]
        whole = math.log(sum(math.exp(s) for s in scores))
        for j in range(n):
            total -= w[i][j] / sum(w[i]) * (scores[j] - whole) / n
    return total


def one_hot(n: int) -> list[list[float]]:
    return [[float(i == j) for j in range(n)] for i in range(n)]


def test_clip_is_the_mean_of_both_directions() -> None:
    p, q = pair()
    expected = 0.5 * (naive_direction(p.tolist(), q.tolist(), 7.0, one_hot(5)) + naive_direction(q.tolist(), p.tolist(), 7.0, one_hot(5)))
    assert float(clip(p, q, torch.tensor(7.0, dtype=torch.float64))) == pytest.approx(expected, rel=1e-12)


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


def test_gradients() -> None:
    p, q = (t.requires_grad_() for t in pair(4, 3))
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    targets = weights(torch.randn(4, 2, 3, dtype=torch.float64))
    assert torch.autograd.gradcheck(clip, (p, q, scale))
    assert torch.autograd.gradcheck(lambda a, b, s: cwcl(a, b, s, targets), (p, q, scale))


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


def test_the_order_of_pairs_does_not_matter() -> None:
    p, q = pair(6)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor(4.0, dtype=torch.float64)
    assert float(clip(p, q, scale)) == pytest.approx(float(clip(p[order], q[order], scale)))
