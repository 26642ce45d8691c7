"""The mean of a bag's real profiles. Lu et al., CellCLIP, section 3.1 and appendix A.2."""

from __future__ import annotations

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean of a bag's real profiles.

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
        real = mask[..., None, None]
        # Padding may hold anything, and zero times infinity is not zero.
        return bags.masked_fill(~real, 0.0).sum(dim=1) / real.sum(dim=1)
