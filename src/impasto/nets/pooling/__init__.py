"""Poolings: a bag of profiles -> one profile. Each takes bags (N, K, C, d) and a mask (N, K), in any order, with any padding.

`POOLINGS` is the family: name -> a class (or function) that makes the module of the width d of the profiles: `pooling(width=d)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from impasto.families import Family

if TYPE_CHECKING:
    from torch import nn


class Pooling(Protocol):
    """What makes a pooling."""

    def __call__(self, *, width: int) -> nn.Module:
        """The module for profiles of this width.

        Parameters
        ----------
        width
            d, of a profile.

        Returns
        -------
        nn.Module
            `module(bags, mask)`: bags (N, K, C, d) and their mask (N, K) -> pooled profiles (N, C, d).

        """


POOLINGS: Family[Pooling] = Family(
    "poolings",
    what="pooling",
    parts={
        "gated_attention": "impasto.nets.pooling.gated_attention:GatedAttention",
        "hierarchical": "impasto.nets.pooling.hierarchical:Hierarchical",
        "kmeans": "impasto.nets.pooling.kmeans:KMeans",
        "max": "impasto.nets.pooling.maximum:Maximum",
        "mean": "impasto.nets.pooling.mean:Mean",
        "median": "impasto.nets.pooling.median:Median",
    },
)
"""Name of a pooling -> what makes it."""
