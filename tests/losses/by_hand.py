"""Inputs of the losses, and the sums that several of their oracles are written with."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


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


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def near(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of which two profiles are nearly one, so that their answer is between no and yes."""
    p, q = pair(seed=seed)
    p = p.clone()
    p[1] = functional.normalize(p[0] + 0.08 * p[2], dim=0)
    return p, q


def graph(n: int = 6, width: int = 4, seed: int = 0, density: float = 0.6) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    weights = rng.random((n, n)) * (rng.random((n, n)) < density)
    weights = np.triu(weights, 1)
    return torch.from_numpy(rng.normal(size=(n, width))), torch.from_numpy(weights + weights.T)


def rows(n: int, width: int, *, seed: int = 0) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cos(a: Tensor, b: Tensor) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(float(x) ** 2 for x in a) * sum(float(y) ** 2 for y in b))


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(v) for v in values)
    return [math.exp(v) / total for v in values]
