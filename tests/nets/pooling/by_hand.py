"""Bags: of every length, with their mask; of clustered profiles, and the mean of cluster means that two poolings end with."""

from __future__ import annotations

import numpy as np
import torch


def bags(n: int = 4, k: int = 5, c: int = 3, d: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(n, k, c, d, generator=generator)
    mask = torch.arange(k)[None, :] < torch.tensor([5, 3, 1, 4])[:, None]
    return values, mask


def bag(k: int, d: int = 4, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(k, d)) + 4 * rng.integers(0, 3, size=(k, 1))


def pooled(pooling: torch.nn.Module, values: np.ndarray) -> np.ndarray:
    tensor = torch.as_tensor(values)[None, :, None]
    return pooling(tensor, torch.ones(1, len(values), dtype=torch.bool))[0, 0].numpy()


def mean_of_means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean([values[labels == label].mean(axis=0) for label in sorted(set(labels))], axis=0)
