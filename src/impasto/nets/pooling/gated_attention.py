"""Gated attention: a learned, permutation-invariant weighting of the profiles of a bag.

    a_k = softmax_k( w^T ( tanh(V z_k) * sigmoid(U z_k) ) ),   mu = sum_k a_k z_k

Ilse et al. 2018, Eq. 9; Lu et al., CellCLIP, Eq. 3, 8, 9. One set of weights serves all channels; hidden width 128 and biases
on U, V and w, which the paper leaves out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GatedAttention(nn.Module):
    """Gated attention over the profiles of a bag, channel by channel.

    Parameters
    ----------
    width
        d, of a profile.
    hidden
        Width of the gate.

    """

    def __init__(self, *, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.value, self.gate, self.score = nn.Linear(width, hidden), nn.Linear(width, hidden), nn.Linear(hidden, 1)

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
        # Padding may hold anything: a weight of zero does not silence what is not finite.
        real = bags.masked_fill(~mask[..., None, None], 0.0)
        return (self.weights(real, mask)[..., None] * real).sum(dim=1)

    def weights(self, bags: Tensor, mask: Tensor, /) -> Tensor:
        """The attention of each profile (Ilse et al. 2018, Eq. 9).

        Parameters
        ----------
        bags
            (N, K, C, d).
        mask
            (N, K), True where a profile is real.

        Returns
        -------
        Tensor
            (N, K, C); the real profiles of a bag and channel sum to one.

        """
        score = self.score(torch.tanh(self.value(bags)) * torch.sigmoid(self.gate(bags)))[..., 0]
        # A bag always has a real profile, so the softmax never sees a row of -inf only.
        return torch.softmax(score.masked_fill(~mask[..., None], float("-inf")), dim=1)
