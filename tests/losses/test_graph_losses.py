"""The two graph losses against plain loops, their properties, and what Proposition 3.1 does and does not say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from impasto.losses.graph_contrast import graph_contrast, neighbours
from impasto.losses.graph_laplacian import graph_laplacian


def graph(n: int = 6, width: int = 4, seed: int = 0, density: float = 0.6) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    weights = rng.random((n, n)) * (rng.random((n, n)) < density)
    weights = np.triu(weights, 1)
    return torch.from_numpy(rng.normal(size=(n, width))), torch.from_numpy(weights + weights.T)


def naive_laplacian(f: list[list[float]], w: list[list[float]]) -> float:
    """1/2 sum_ij w_ij ||f_i - f_j||^2, written out."""
    return sum(0.5 * w[i][j] * sum((a - b) ** 2 for a, b in zip(f[i], f[j], strict=True)) for i in range(len(f)) for j in range(len(f)))


def naive_contrast(f: list[list[float]], near: list[list[bool]], tau: float) -> float:
    norms = [math.sqrt(sum(a * a for a in row)) for row in f]
    cosine = [
        [sum(a * b for a, b in zip(x, y, strict=True)) / (n * m) for y, m in zip(f, norms, strict=True)]
        for x, n in zip(f, norms, strict=True)
    ]
    asked = []
    for i in range(len(f)):
        mine = [j for j in range(len(f)) if near[i][j]]
        if mine:
            whole = sum(math.exp(cosine[i][k] / tau) for k in range(len(f)) if k != i)
            asked.append(-sum(math.log(math.exp(cosine[i][j] / tau) / whole) for j in mine) / len(mine))
    return sum(asked) / len(asked)


@given(st.integers(0, 10_000), st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_the_laplacian_is_half_the_weighted_sum_of_squared_differences(seed: int, n: int) -> None:
    features, weights = graph(n, seed=seed)
    assert float(graph_laplacian(features, weights)) == pytest.approx(
        naive_laplacian(features.tolist(), weights.tolist()), rel=1e-10, abs=1e-12
    )


def test_the_symmetric_laplacian_is_that_of_scipy() -> None:
    from scipy.sparse.csgraph import laplacian

    features, weights = graph()
    weights[2] = weights[:, 2] = 0  # a node without an edge
    matrix = laplacian(weights.numpy(), normed=True)
    matrix[2, 2] = 0
    expected = np.trace(features.numpy().T @ matrix @ features.numpy())
    assert float(graph_laplacian(features, weights, symmetric=True)) == pytest.approx(expected, rel=1e-12)


@given(st.integers(0, 10_000), st.integers(3, 8), st.sampled_from([0.1, 0.5, 2.0]))
@settings(max_examples=30, deadline=None)
def test_contrast_is_the_equation_with_its_minus_sign(seed: int, n: int, tau: float) -> None:
    features, weights = graph(n, seed=seed)
    related = neighbours(weights, threshold=0.2)
    if related.any():
        expected = naive_contrast(features.tolist(), related.tolist(), tau)
        assert float(graph_contrast(features, related, temperature=tau)) == pytest.approx(expected, rel=1e-9)


def test_the_order_of_nodes_does_not_matter() -> None:
    features, weights = graph(8)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    for loss in (
        lambda f, w: graph_laplacian(f, w),
        lambda f, w: graph_laplacian(f, w, symmetric=True),
        lambda f, w: graph_contrast(f, neighbours(w, top=2)),
    ):
        assert float(loss(features, weights)) == pytest.approx(float(loss(features[order], weights[order][:, order])), rel=1e-12)


def test_gradients() -> None:
    features, weights = graph(5)
    related = neighbours(weights)
    features.requires_grad_()
    for loss in (
        lambda f: graph_laplacian(f, weights),
        lambda f: graph_laplacian(f, weights, symmetric=True, held=True),
        lambda f: graph_contrast(f, related, temperature=0.5),
    ):
        assert torch.autograd.gradcheck(loss, (features,))


def test_neighbours_are_above_the_threshold_and_among_the_strongest() -> None:
    weights = torch.tensor([[0.0, 0.9, 0.5, 0.5, 0.1], [0.9, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [0.1, 0, 0, 0, 0]])
    assert neighbours(weights, threshold=0.2)[0].tolist() == [False, True, True, True, False]
    assert neighbours(weights, top=2)[0].tolist() == [False, True, True, True, False]  # a tie counts whole
    assert neighbours(weights, top=1)[0].tolist() == [False, True, False, False, False]
    assert not neighbours(torch.ones(3, 3)).diagonal().any()


def test_without_an_edge_both_losses_are_nothing_and_still_have_a_gradient() -> None:
    features = graph(4)[0].requires_grad_()
    empty = torch.zeros(4, 4, dtype=torch.float64)
    for loss in (
        graph_laplacian(features, empty),
        graph_contrast(features, neighbours(empty)),
        graph_laplacian(features, empty, symmetric=True, held=True),
    ):
        assert float(loss.detach()) == 0.0
        (gradient,) = torch.autograd.grad(loss, features)
        assert not gradient.any()


# ---------------------------------------------------------------- Proposition 3.1
def within(images: Tensor) -> Tensor:
    """The mean squared distance between two images of one perturbation: images (perturbations, replicates, width)."""
    n = images.shape[1]
    return torch.cdist(images, images).square().sum(dim=(1, 2)) / (n * (n - 1))


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_of_unit_images_the_norm_of_the_mean_is_the_spread(seed: int, replicates: int) -> None:
    """||f_v||^2 = 1 - (n - 1) / (2 n) * (mean squared distance within v): the identity beneath the proposition."""
    images = functional.normalize(torch.from_numpy(np.random.default_rng(seed).normal(size=(3, replicates, 5))), dim=2)
    expected = 1 - (replicates - 1) / (2 * replicates) * within(images)
    torch.testing.assert_close(images.mean(dim=1).square().sum(dim=1), expected)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_where_the_images_of_a_perturbation_agree_the_loss_of_held_energy_is_no_larger(seed: int) -> None:
    """Proposition 3.1, as its proof has it: among unit images with the same mean directions, none beats those without spread."""
    _, weights = graph(5, seed=seed)
    rng = np.random.default_rng(seed)
    # Related perturbations look alike to begin with (positive inner products), as in a trained encoder.
    images = functional.normalize(torch.from_numpy(2.0 + rng.normal(size=(5, 4, 8))), dim=2)
    means = images.mean(dim=1)
    agreed = functional.normalize(means, dim=1)
    assert float(graph_laplacian(agreed, weights, held=True)) <= float(graph_laplacian(means, weights, held=True)) + 1e-12


@pytest.mark.parametrize(("held", "unit"), [(True, False), (False, True), (False, False)])
def test_descent_shrinks_the_distance_within_perturbations_only_where_the_energy_is_held(held: bool, unit: bool) -> None:
    ratios = []
    for seed in range(5):
        _, weights = graph(6, seed=seed)
        images = torch.from_numpy(np.random.default_rng(seed).normal(size=(6, 4, 8)))
        before = within(functional.normalize(images, dim=2)).mean()
        for _ in range(200):
            images = images.detach().requires_grad_()
            nodes = functional.normalize(images, dim=2).mean(dim=1)
            loss = graph_laplacian(functional.normalize(nodes, dim=1) if unit else nodes, weights, held=held)
            images = images - 0.2 * torch.autograd.grad(loss, images)[0]
        ratios.append(float(within(functional.normalize(images.detach(), dim=2)).mean() / before))
    if held:
        assert max(ratios) < 0.9, ratios
    else:  # the printed loss: spread stays with unit nodes, and grows with plain means
        assert min(ratios) > (0.95 if unit else 1.0), ratios
