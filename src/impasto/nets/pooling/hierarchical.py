"""Hierarchical pooling: the nearest groups of a bag are merged until few are left, then averaged, channel by channel.

    merge argmin_{A, B} mean_{a in A, b in B} |a - b|  until `clusters` are left,   mu = mean of the clusters' means

Average linkage (UPGMA; Sokal & Michener 1958) by the Lance-Williams update. Lu et al., CellCLIP, appendix A.2.

Departures: the paper gives no linkage and no number of clusters; average linkage, and three (fewer where the bag is smaller).
Clusters are found without gradient; the means carry it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from impasto.nets.pooling.clusters import ByClusters


class Hierarchical(ByClusters):
    """The mean of the means of average-linkage clusters, channel by channel.

    Parameters
    ----------
    width
        Not read: the pooling is the same for every width.
    clusters
        How many are left.

    """

    def __init__(self, *, width: int | None = None, clusters: int = 3) -> None:  # noqa: ARG002 - the same for every width
        super().__init__()
        self.clusters = clusters

    def members(self, profiles: Tensor, real: Tensor, /) -> Tensor:
        """Which cluster each profile is in. A cluster is a column; a cluster that was merged leaves its column empty.

        Parameters
        ----------
        profiles
            (B, K, d).
        real
            (B, K), True where a profile is real.

        Returns
        -------
        Tensor
            (B, K, K), 0 or 1.

        """
        count = profiles.shape[1]
        members = torch.diag_embed(real.to(profiles.dtype))
        between = torch.cdist(profiles, profiles)
        alive = real.clone()
        diagonal = torch.eye(count, dtype=torch.bool, device=profiles.device)
        bag = torch.arange(len(profiles), device=profiles.device)
        for _ in range(count - self.clusters):
            allowed = alive[:, :, None] & alive[:, None, :] & ~diagonal
            first, second = _divmod(between.masked_fill(~allowed, float("inf")).flatten(1).argmin(dim=1), count)
            merging = alive.sum(dim=1) > self.clusters
            sizes = members.sum(dim=1)
            a, b = sizes[bag, first, None], sizes[bag, second, None]
            joined = (a * between[bag, first] + b * between[bag, second]) / (a + b).clamp(min=1)
            now = bag[merging]
            grown, gone = first[merging], second[merging]
            between[now, grown] = joined[merging]
            between[now, :, grown] = joined[merging]
            members[now, :, grown] += members[now, :, gone]
            members[now, :, gone] = 0
            alive[now, gone] = False
        return members


def _divmod(index: Tensor, count: int) -> tuple[Tensor, Tensor]:
    return index // count, index % count
