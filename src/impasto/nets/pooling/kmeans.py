"""k-means pooling: the mean of the centres of a bag's clusters, channel by channel. Lu et al., CellCLIP, appendix A.2.

    centres = Lloyd( farthest-first start, `steps` rounds ),   mu = mean of the centres

The start is a function of the profiles, not of their order: the profile nearest to the mean, then again and again the one
farthest from all chosen (Gonzalez 1985).

Departures: the paper gives no number of clusters and no start; three clusters (fewer where the bag is smaller) and the start
above make the pooling the same for every order of the bag. Clusters are found without gradient; the means carry it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from impasto.nets.pooling.clusters import ByClusters


class KMeans(ByClusters):
    """The mean of the centres of k-means clusters, channel by channel.

    Parameters
    ----------
    width
        Not read: the pooling is the same for every width.
    clusters
        How many.
    steps
        Rounds of Lloyd's algorithm.

    """

    def __init__(self, *, width: int | None = None, clusters: int = 3, steps: int = 10) -> None:  # noqa: ARG002 - the same for every width
        super().__init__()
        self.clusters, self.steps = clusters, steps

    def members(self, profiles: Tensor, real: Tensor, /) -> Tensor:
        """Which cluster each profile is in.

        Parameters
        ----------
        profiles
            (B, K, d).
        real
            (B, K), True where a profile is real.

        Returns
        -------
        Tensor
            (B, K, clusters), 0 or 1; padding is in no cluster.

        """
        centres = _farthest_first(profiles, real, clusters=min(self.clusters, profiles.shape[1]))
        members = _nearest(profiles, centres, real)
        for _ in range(self.steps):
            sizes = members.sum(dim=1)[..., None]
            means = torch.einsum("bkc,bkd->bcd", members, profiles) / sizes.clamp(min=1)
            centres = torch.where(sizes > 0, means, centres)
            members = _nearest(profiles, centres, real)
        return members


def _nearest(profiles: Tensor, centres: Tensor, real: Tensor) -> Tensor:
    nearest = torch.cdist(profiles, centres).argmin(dim=2)
    return nn.functional.one_hot(nearest, centres.shape[1]).to(profiles.dtype) * real[..., None]


def _farthest_first(profiles: Tensor, real: Tensor, *, clusters: int) -> Tensor:
    """Starting centres (B, clusters, d). A bag with fewer profiles repeats one; the repeat stays empty."""
    bag = torch.arange(len(profiles), device=profiles.device)
    mean = profiles.sum(dim=1) / real.sum(dim=1)[:, None]
    distance = torch.cdist(profiles, mean[:, None])[..., 0].masked_fill(~real, float("inf"))
    chosen = [profiles[bag, distance.argmin(dim=1)]]
    for _ in range(clusters - 1):
        nearest = torch.cdist(profiles, torch.stack(chosen, dim=1)).min(dim=2).values.masked_fill(~real, -1.0)
        chosen.append(profiles[bag, nearest.argmax(dim=1)])
    return torch.stack(chosen, dim=1)
