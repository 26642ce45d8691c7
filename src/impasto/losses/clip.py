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
    """The loss of N pairs, a scalar, from unit embeddings (N, width) twice and a scale."""
    return 0.5 * (direction(profiles, perturbations, scale) + direction(perturbations, profiles, scale))


def direction(queries: Tensor, candidates: Tensor, scale: Tensor, /) -> Tensor:
    """Cross entropy of each query (N, width) against its own candidate (N, width) among all."""
    own = torch.arange(len(queries), device=queries.device)
    return functional.cross_entropy(scale * queries @ candidates.T, own)
