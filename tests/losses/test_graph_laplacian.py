"""The graph Laplacian against a plain loop and SciPy, and what Proposition 3.1 does and does not say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.by_hand import graph
from torch import Tensor
from torch.nn import functional

from impasto.losses.graph_laplacian import graph_laplacian


def naive_laplacian(f: list[list[float]], w: list[list[float]]) -> float:
    """1/2 sum_ij w_ij ||f_i - f_j||^2, written out."""
    return sum(0.5 * w[i][j] * sum((a - b) ** 2 for a, b in zip(f[i], f[j], strict=True)) for i in range(len(f)) for j in range(len(f)))


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
