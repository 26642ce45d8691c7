"""The distance of unit vectors: |q - k|^2 = 2 - 2 cos(q, k). Grill et al. 2020 (BYOL), Eq. 2."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def cosine(predictions: Tensor, targets: Tensor, /) -> Tensor:
    """The mean over rows of predictions (N, d) and targets (N, d); the targets get no gradient."""
    return (2 - 2 * functional.cosine_similarity(predictions, targets.detach(), dim=1)).mean()
