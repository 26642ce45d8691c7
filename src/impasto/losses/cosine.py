"""The distance of unit vectors: |q - k|^2 = 2 - 2 cos(q, k). Grill et al. 2020 (BYOL), Eq. 2."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def cosine(predictions: Tensor, targets: Tensor, /) -> Tensor:
    """The mean squared distance of unit vectors (BYOL, Eq. 2).

    Parameters
    ----------
    predictions
        (N, d), of any length.
    targets
        (N, d), of any length; no gradient flows to them.

    Returns
    -------
    Tensor
        The loss, a scalar between 0 and 4.

    """
    return (2 - 2 * functional.cosine_similarity(predictions, targets.detach(), dim=1)).mean()
