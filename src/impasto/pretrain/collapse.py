"""Monitors of collapse: the log shows whether a siamese method gives all images the same embedding.

`effective_rank` is the exponential of the entropy of the normalised singular values of the embeddings (Roy & Vetterli 2007; Garrido et al.
2023, RankMe, Eq. 1). It is 1 where all embeddings lie on one line, and at most min(rows, width).
"""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def effective_rank(embeddings: Tensor, /) -> Tensor:
    """The effective rank, after the mean is taken off (RankMe, Eq. 1).

    Parameters
    ----------
    embeddings
        (N, width).

    Returns
    -------
    Tensor
        A scalar from 1 to min(N, width).

    """
    values = torch.linalg.svdvals(embeddings.float() - embeddings.float().mean(dim=0))
    share = values / values.sum().clamp_min(1e-12)
    return torch.exp(-(share * share.clamp_min(1e-12).log()).sum())


@torch.no_grad()
def prototypes_used(log_p: Tensor, /) -> Tensor:
    """The share of prototypes that are the nearest of some row.

    Parameters
    ----------
    log_p
        Log probabilities (..., K).

    Returns
    -------
    Tensor
        Their number over the most that could be, a scalar.

    """
    nearest = log_p.flatten(0, -2).argmax(dim=1)
    return torch.tensor(len(torch.unique(nearest)) / min(len(nearest), log_p.shape[-1]))
