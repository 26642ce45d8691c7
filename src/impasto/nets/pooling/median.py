"""The feature-wise median of a bag's real profiles. Lu et al., CellCLIP, appendix A.2."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Median(nn.Module):
    """The feature-wise median of a bag's real profiles; the mean of the two middle ones where their number is even.

    Parameters
    ----------
    width
        Not read: the pooling is the same for every width.

    """

    def __init__(self, *, width: int | None = None) -> None:  # noqa: ARG002 - the same for every width
        super().__init__()

    def forward(self, bags: Tensor, mask: Tensor, /) -> Tensor:
        """Pool bags.

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
        ordered = bags.masked_fill(~mask[..., None, None], float("inf")).sort(dim=1).values
        count = mask.sum(dim=1)
        low, high = (count - 1) // 2, count // 2
        bag = torch.arange(len(bags), device=bags.device)
        return 0.5 * (ordered[bag, low] + ordered[bag, high])
