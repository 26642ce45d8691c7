"""Poolings: a bag of profiles -> one profile. Each takes bags (N, K, C, d) and a mask (N, K), in any order, with any padding."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from impasto.nets.pooling.gated_attention import GatedAttention
from impasto.nets.pooling.hierarchical import Hierarchical
from impasto.nets.pooling.kmeans import KMeans
from impasto.nets.pooling.mean import Mean
from impasto.nets.pooling.median import Median

POOLINGS: dict[str, Callable[[int], nn.Module]] = {
    "gated_attention": lambda width: GatedAttention(width=width),
    "hierarchical": lambda _: Hierarchical(),
    "kmeans": lambda _: KMeans(),
    "mean": lambda _: Mean(),
    "median": lambda _: Median(),
}
"""Name -> a pooling of profiles of a width."""
