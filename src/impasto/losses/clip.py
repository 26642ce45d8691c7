"""CLIP: each profile must find its perturbation among the minibatch, and each perturbation its profile.

    L = 1/2 [ CE(s P Q^T, identity) + CE(s Q P^T, identity) ]

with unit rows P (profiles), Q (perturbations) and the scale s = 1/tau. Lu et al., CellCLIP, Eq. 1; Radford et al. 2021.

Departures: Eq. 1 sums the two directions; here, as in every cross-modal loss of this package, it is their mean, so that
losses compare and one learning rate serves them all.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def clip(profiles: Tensor, perturbations: Tensor, scale: Tensor, /) -> Tensor:
    """The mean of both directions' cross entropy (Eq. 1).

    Parameters
    ----------
    profiles, perturbations
        Unit embeddings, (N, width) each; row i of both is pair i.
    scale
        1/tau, a scalar.

    Returns
    -------
    Tensor
        The loss, a scalar in nats.

    """
    return 0.5 * (direction(profiles, perturbations, scale) + direction(perturbations, profiles, scale))


def direction(queries: Tensor, candidates: Tensor, scale: Tensor, /) -> Tensor:
    """Cross entropy of each query against its own candidate among all candidates.

    Parameters
    ----------
    queries, candidates
        Unit embeddings, (N, width) each; row i of both is pair i.
    scale
        1/tau, a scalar.

    Returns
    -------
    Tensor
        The loss of this direction, a scalar in nats.

    """
    own = torch.arange(len(queries), device=queries.device)
    return functional.cross_entropy(scale * queries @ candidates.T, own)
