"""Monitors of collapse: what a siamese method does when it has found the easy way out is seen in the log while it happens.

`effective_rank`: the exponential of the entropy of the normalised singular values of the embeddings (Roy & Vetterli 2007; Garrido et
al. 2023, RankMe, Eq. 1): 1 where all embeddings lie on one line, at most min(rows, width).
"""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def effective_rank(embeddings: Tensor, /) -> Tensor:
    """The effective rank of embeddings (N, width), after their mean is taken off; a scalar."""
    values = torch.linalg.svdvals(embeddings.float() - embeddings.float().mean(dim=0))
    share = values / values.sum().clamp_min(1e-12)
    return torch.exp(-(share * share.clamp_min(1e-12).log()).sum())


@torch.no_grad()
def prototypes_used(log_p: Tensor, /) -> Tensor:
    """How many prototypes are the nearest of some row of assignments (..., K), over the most that could be; a scalar."""
    nearest = log_p.flatten(0, -2).argmax(dim=1)
    return torch.tensor(len(torch.unique(nearest)) / min(len(nearest), log_p.shape[-1]))
