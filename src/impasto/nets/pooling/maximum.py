"""The feature-wise maximum of a bag's real profiles. Lu et al., CellCLIP, appendix B ("such as maximum or mean operator")."""

from __future__ import annotations

from torch import Tensor, nn


class Maximum(nn.Module):
    """The feature-wise maximum of a bag's real profiles.

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
        return bags.masked_fill(~mask[..., None, None], float("-inf")).amax(dim=1)
