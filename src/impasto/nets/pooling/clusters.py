"""What the poolings by clusters share: the plain mean of a bag's cluster means.

Weighted by their sizes the cluster means would give the mean of the bag again; unweighted, a small group of unusual cells
counts as much as the crowd.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn


class ByClusters(nn.Module):
    """The plain mean of a bag's cluster means; a subclass says how profiles fall into clusters."""

    def forward(self, bags: Tensor, mask: Tensor, /) -> Tensor:
        """Pool bags, channel by channel.

        Parameters
        ----------
        bags
            (N, K, C, d).
        mask
            (N, K), True where a profile is real.

        Returns
        -------
        Tensor
            (N, C, d).

        """
        profiles, real = per_channel(bags, mask)
        with torch.no_grad():
            members = self.members(profiles.masked_fill(~real[..., None], 0.0), real)
        return mean_of_means(profiles, members).view(len(bags), bags.shape[2], bags.shape[3])

    @abstractmethod
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


def mean_of_means(profiles: Tensor, members: Tensor, /) -> Tensor:
    """The plain mean of the means of the clusters that are not empty.

    Parameters
    ----------
    profiles
        (B, K, d).
    members
        (B, K, clusters), 0 or 1; padding is in no cluster.

    Returns
    -------
    Tensor
        (B, d).

    """
    sizes = members.sum(dim=1)
    share = members / sizes.clamp(min=1)[:, None]
    filled = (sizes > 0).sum(dim=1).clamp(min=1)
    # Padding may hold anything, so it is taken out before it is multiplied by zero.
    real = profiles.masked_fill(~members.any(dim=2)[..., None], 0.0)
    return torch.einsum("bk,bkd->bd", share.sum(dim=2) / filled[:, None], real)


def per_channel(bags: Tensor, mask: Tensor, /) -> tuple[Tensor, Tensor]:
    """One bag for each channel.

    Parameters
    ----------
    bags
        (N, K, C, d).
    mask
        (N, K).

    Returns
    -------
    tuple[Tensor, Tensor]
        Bags (N * C, K, d) and their mask (N * C, K).

    """
    n, k, c, d = bags.shape
    return bags.transpose(1, 2).reshape(n * c, k, d), mask[:, None].expand(n, c, k).reshape(n * c, k)
