"""The losses of image-only methods against plain loops in float64, written from their papers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from impasto.losses import prototypes
from impasto.losses.cosine import cosine
from impasto.losses.info_nce import info_nce
from impasto.losses.masked_patches import masked_patches
from impasto.losses.nt_xent import nt_xent


def rows(n: int, width: int, *, seed: int = 0) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cos(a: Tensor, b: Tensor) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(float(x) ** 2 for x in a) * sum(float(y) ** 2 for y in b))


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(v) for v in values)
    return [math.exp(v) / total for v in values]


def test_nt_xent_is_equation_1_of_simclr() -> None:
    first, second = rows(5, 4), rows(5, 4, seed=1)
    views = [*first, *second]
    losses = []
    for i in range(10):
        j = (i + 5) % 10
        below = sum(math.exp(cos(views[i], views[k]) / 0.3) for k in range(10) if k != i)
        losses.append(-math.log(math.exp(cos(views[i], views[j]) / 0.3) / below))
    assert float(nt_xent(first, second, temperature=0.3)) == pytest.approx(sum(losses) / 10)


def test_info_nce_is_algorithm_1_of_moco_v3() -> None:
    queries, keys = rows(6, 4), rows(6, 4, seed=1)
    losses = []
    for i in range(6):
        p = softmax([cos(queries[i], k) / 0.2 for k in keys])
        losses.append(-math.log(p[i]))
    assert float(info_nce(queries, keys, temperature=0.2)) == pytest.approx(2 * 0.2 * sum(losses) / 6)


def test_cosine_is_the_distance_of_unit_vectors() -> None:
    predictions, targets = rows(6, 4), rows(6, 4, seed=1)
    expected = 0.0
    for p, t in zip(predictions, targets, strict=True):
        unit_p, unit_t = p / math.sqrt(float((p**2).sum())), t / math.sqrt(float((t**2).sum()))
        expected += sum((float(a) - float(b)) ** 2 for a, b in zip(unit_p, unit_t, strict=True)) / 6
    assert float(cosine(predictions, targets)) == pytest.approx(expected)


@pytest.mark.parametrize("loss", [lambda q, k: info_nce(q, k, temperature=0.1), cosine])
def test_no_gradient_reaches_the_teacher(loss: object) -> None:
    queries, keys = rows(4, 3).requires_grad_(), rows(4, 3, seed=1).requires_grad_()
    loss(queries, keys).backward()  # type: ignore[operator]
    assert queries.grad is not None
    assert keys.grad is None


def test_masked_patches_compares_each_patch_after_its_own_mean_and_sd() -> None:
    predicted, pixels = rows(6, 8).view(2, 3, 8), 5 + 3 * rows(6, 8, seed=1).view(2, 3, 8)
    expected = 0.0
    for p, x in zip(predicted.flatten(0, 1), pixels.flatten(0, 1), strict=True):
        mean = sum(map(float, x)) / 8
        variance = sum((float(v) - mean) ** 2 for v in x) / 7
        expected += sum((float(a) - (float(b) - mean) / math.sqrt(variance + 1e-6)) ** 2 for a, b in zip(p, x, strict=True)) / 8 / 6
    assert float(masked_patches(predicted, pixels)) == pytest.approx(expected)
    assert float(masked_patches(pixels, pixels, normalise=False)) == 0.0


def test_assignments_to_prototypes_are_equation_2() -> None:
    z, anchors = rows(4, 3), rows(5, 3, seed=1)
    found = prototypes.log_assignments(z, anchors, temperature=0.1).exp()
    for i in range(4):
        assert found[i].tolist() == pytest.approx(softmax([cos(z[i], o) / 0.1 for o in anchors]))


def test_sharpening_is_a_power_that_sums_to_one() -> None:
    p = softmax([0.1, 0.9, -0.3, 0.4])
    powers = [v ** (1 / 0.25) for v in p]
    found = prototypes.sharpen(torch.tensor(p, dtype=torch.float64).log(), temperature=0.25)
    assert found.tolist() == pytest.approx([v / sum(powers) for v in powers])


def test_sharpening_does_not_underflow() -> None:
    found = prototypes.sharpen(torch.tensor([-400.0, -401.0, -2000.0]), temperature=0.25)
    assert found.sum() == pytest.approx(1.0)
    assert found[0] == pytest.approx(1 / (1 + math.exp(-4)))


def test_the_two_terms_of_msn() -> None:
    log_p = torch.log_softmax(rows(6, 4), dim=1).view(2, 3, 4)
    targets = torch.softmax(rows(2, 4, seed=1), dim=1)
    p = log_p.exp()
    match = 0.0
    for row in range(2):
        for view in range(3):
            match -= sum(float(targets[row, k]) * math.log(float(p[row, view, k])) for k in range(4)) / 6
    mean = [sum(float(p[row, view, k]) for row in range(2) for view in range(3)) / 6 for k in range(4)]
    assert float(prototypes.cross_entropy(targets, log_p)) == pytest.approx(match)
    gap = math.log(4) + sum(m * math.log(m) for m in mean)
    assert float(prototypes.mean_entropy_gap(log_p)) == pytest.approx(gap)


@settings(deadline=None)
@given(st.integers(2, 12), st.integers(2, 9), st.integers(0, 10**6))
def test_the_gap_is_between_zero_and_log_k(n: int, count: int, seed: int) -> None:
    log_p = torch.log_softmax(5 * rows(n, count, seed=seed), dim=1)[:, None]
    assert -1e-9 <= float(prototypes.mean_entropy_gap(log_p)) <= math.log(count) + 1e-9
    one = torch.full((n, 1, count), -1e9, dtype=torch.float64)
    one[..., 0] = 0.0
    assert float(prototypes.mean_entropy_gap(one)) == pytest.approx(math.log(count))


def test_sinkhorn_uses_all_prototypes_alike() -> None:
    p = torch.softmax(3 * rows(12, 4), dim=1)
    q = p / p.sum()
    for _ in range(50):
        for k in range(4):
            q[:, k] = q[:, k] / q[:, k].sum() / 4
        for i in range(12):
            q[i] = q[i] / q[i].sum() / 12
    found = prototypes.sinkhorn(p, iterations=50)
    torch.testing.assert_close(found, q * 12)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(12, dtype=torch.float64))
    torch.testing.assert_close(found.sum(dim=0), torch.full((4,), 3.0, dtype=torch.float64), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: nt_xent(z[:3], z[3:], temperature=0.5),
        lambda z: info_nce(z, rows(6, 3, seed=5), temperature=0.5),
        lambda z: prototypes.mean_entropy_gap(prototypes.log_assignments(z, rows(4, 3, seed=5), temperature=0.5)[:, None]),
        lambda z: masked_patches(z, rows(6, 3, seed=5)),
    ],
)
def test_gradients(loss: object) -> None:
    torch.autograd.gradcheck(loss, rows(6, 3).requires_grad_())
