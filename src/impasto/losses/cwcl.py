"""CWCL: contrast with soft targets, so that perturbations whose profiles look alike are not pushed apart.

    L(U->V) = -(1/N) sum_i sum_j (w_ij / sum_j w_ij) log softmax_j(s <p_i, q_j>)
    L       = 1/2 [ L(U->V) + CE(s Q P^T, identity) ]
    w_ij    = 1/2 + 1/(2C) sum_c cos(mu_i^c, mu_j^c)

Lu et al., CellCLIP, Eq. 5, 6 and footnote 3; Srinivasa et al. 2023. The weights are taken from the pooled profiles as they
are, detached.

Departures: Eq. 5 as printed has q_i in the numerator and no minus sign, a misprint; the form above is meant. Eq. 6 sums the
directions; here it is their mean (see `clip`). In practice w is almost uniform (its entropy is .9999 of log N at N = 512), so
three settings sharpen it, all off by default: `centre` subtracts the minibatch mean from the profiles, `sharpness` raises
w_ij = softmax-like weights exp((w_ij - 1) * sharpness), `top` keeps the largest weights of a row only.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from impasto.losses.clip import direction
from impasto.losses.pairs import PairLoss


def weights(pooled: Tensor, /, *, centre: bool = False, sharpness: float | None = None, top: int | None = None) -> Tensor:
    """Target distribution (N, N), rows summing to one, of pooled profiles (N, channels, width); no gradient flows."""
    pooled = pooled.detach()
    if centre:
        pooled = pooled - pooled.mean(dim=0, keepdim=True)
    unit = functional.normalize(pooled, dim=-1)
    similarity = torch.einsum("icd,jcd->ij", unit, unit) / pooled.shape[1]
    weight = (0.5 + 0.5 * similarity).clamp(min=0)
    if sharpness is not None:
        weight = torch.exp((weight - 1) * sharpness)
    if top is not None and top < len(weight):
        least = weight.topk(top, dim=1).values[:, -1:]
        weight = torch.where(weight >= least, weight, torch.zeros_like(weight))
    return weight / weight.sum(dim=1, keepdim=True)


def cwcl(profiles: Tensor, perturbations: Tensor, scale: Tensor, targets: Tensor, /) -> Tensor:
    """The loss of N pairs, a scalar: unit embeddings (N, width) twice, a scale, and targets (N, N) from `weights`."""
    soft = -(targets * functional.log_softmax(scale * profiles @ perturbations.T, dim=1)).sum(dim=1).mean()
    return 0.5 * (soft + direction(perturbations, profiles, scale))


def entropy_share(targets: Tensor, /) -> Tensor:
    """Mean entropy of the targets (N, N) as a share of log N: 1 is uniform (nothing to learn from), 0 is one-hot (CLIP)."""
    entropy = torch.special.entr(targets).sum(dim=1).mean()
    return entropy / math.log(max(2, len(targets)))


CWCL = PairLoss(lambda pairs: cwcl(pairs.profiles, pairs.perturbations, pairs.scale, pairs.targets))
"""With the targets of the minibatch."""
