"""InfoNCE between predictions and a teacher's keys, as MoCo v3 uses it.

    L = 2 tau * mean_i -log exp(q_i . k_i / tau) / sum_j exp(q_i . k_j / tau),   q and k unit vectors

van den Oord et al. 2018; Chen, Xie & He 2021 (MoCo v3), Eq. 1 and Algorithm 1, where the factor 2 tau stands.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(queries: Tensor, keys: Tensor, /, *, temperature: float) -> Tensor:
    """The cross entropy of each query with its own key, times 2 tau (MoCo v3, Algorithm 1).

    Parameters
    ----------
    queries
        (N, d), of any length.
    keys
        (N, d), of any length; row i is the positive of query i. No gradient flows to them.
    temperature
        tau.

    Returns
    -------
    Tensor
        The loss, a scalar.

    """
    similarity = functional.normalize(queries, dim=1) @ functional.normalize(keys.detach(), dim=1).T / temperature
    return 2 * temperature * functional.cross_entropy(similarity, torch.arange(len(queries), device=queries.device))
