"""NT-Xent: each view must find its other view among all views of the minibatch.

    l(i, j) = -log exp(s_ij / tau) / sum_{k != i} exp(s_ik / tau),   s = cosine;   L = mean over both orders of all pairs

Chen et al. 2020 (SimCLR), Eq. 1.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def nt_xent(first: Tensor, second: Tensor, /, *, temperature: float) -> Tensor:
    """The cross entropy of each view with its other view (SimCLR, Eq. 1).

    Parameters
    ----------
    first, second
        Two views, (N, d) each, of any length; row i of both shows one thing.
    temperature
        tau.

    Returns
    -------
    Tensor
        The loss, a scalar in nats.

    """
    views = functional.normalize(torch.cat([first, second]), dim=1)
    similarity = views @ views.T / temperature
    # A view is never compared with itself.
    similarity = similarity.masked_fill(torch.eye(len(views), dtype=torch.bool, device=views.device), -torch.inf)
    partner = torch.arange(len(views), device=views.device).roll(len(first))
    return functional.cross_entropy(similarity, partner)
