"""Graph contrast against a plain loop, and who counts as a neighbour."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.losses.by_hand import graph

from impasto.losses.graph_contrast import graph_contrast, neighbours


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


@given(st.integers(0, 10_000), st.integers(3, 8), st.sampled_from([0.1, 0.5, 2.0]))
@settings(max_examples=30, deadline=None)
def test_contrast_is_the_equation_with_its_minus_sign(seed: int, n: int, tau: float) -> None:
    features, weights = graph(n, seed=seed)
    related = neighbours(weights, threshold=0.2)
    if related.any():
        expected = naive_contrast(features.tolist(), related.tolist(), tau)
        assert float(graph_contrast(features, related, temperature=tau)) == pytest.approx(expected, rel=1e-9)


def test_neighbours_are_above_the_threshold_and_among_the_strongest() -> None:
    weights = torch.tensor([[0.0, 0.9, 0.5, 0.5, 0.1], [0.9, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [0.1, 0, 0, 0, 0]])
    assert neighbours(weights, threshold=0.2)[0].tolist() == [False, True, True, True, False]
    assert neighbours(weights, top=2)[0].tolist() == [False, True, True, True, False]  # a tie counts whole
    assert neighbours(weights, top=1)[0].tolist() == [False, True, False, False, False]
    assert not neighbours(torch.ones(3, 3)).diagonal().any()


def test_without_a_neighbour_the_loss_is_zero_and_pulls_nothing() -> None:
    features = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = graph_contrast(features, torch.zeros(4, 4, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0
    assert features.grad is not None
    assert (features.grad == 0).all()
