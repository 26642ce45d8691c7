"""CWCL: contrast with soft targets, so that perturbations whose profiles look alike are not pushed apart.

    L(U->V) = -(1/N) sum_i sum_j (w_ij / sum_j w_ij) log softmax_j(s <p_i, q_j>)
    L       = 1/2 [ L(U->V) + CE(s Q P^T, identity) ]
    w_ij    = 1/2 + 1/(2C) sum_c cos(mu_i^c, mu_j^c)

Lu et al., CellCLIP, Eq. 5, 6 and footnote 3; Srinivasa et al. 2023. The weights are taken from the pooled profiles as they are, detached.

Departures: Eq. 5 as printed has q_i in the numerator and no minus sign, a misprint; the form above is meant. Eq. 6 sums the directions;
here it is their mean (see `clip`). In practice w is almost uniform: its entropy is .9999 of log N at N = 512. Three settings sharpen it,
all off by default. `centre` subtracts the minibatch mean from the profiles. `sharpness` takes the weights exp((w_ij - 1) * sharpness).
`top` keeps only the largest weights of a row.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from impasto.losses.clip import direction
from impasto.losses.pairs import PairLoss


def weights(pooled: Tensor, /, *, centre: bool = False, sharpness: float | None = None, top: int | None = None) -> Tensor:
    """The target distribution of each profile over the pairs (Eq. 6 and footnote 3); no gradient flows.

    Parameters
    ----------
    pooled
        Pooled profiles (N, channels, width).
    centre
        Whether the mean over the minibatch is subtracted first.
    sharpness
        Weights become exp((w - 1) * sharpness); None leaves them as they are.
    top
        How many of the largest weights of a row stay; None leaves all.

    Returns
    -------
    Tensor
        Targets (N, N); each row sums to one.

    """
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
    """The mean of the soft direction and the plain one (Eq. 5 and 6).

    Parameters
    ----------
    profiles, perturbations
        Unit embeddings, (N, width) each; row i of both is pair i.
    scale
        1/tau, a scalar.
    targets
        (N, N), from `weights`.

    Returns
    -------
    Tensor
        The loss, a scalar in nats.

    """
    soft = -(targets * functional.log_softmax(scale * profiles @ perturbations.T, dim=1)).sum(dim=1).mean()
    return 0.5 * (soft + direction(perturbations, profiles, scale))


def entropy_share(targets: Tensor, /) -> Tensor:
    """How uniform the targets are: 1 is uniform (nothing to learn from), 0 is one-hot (CLIP).

    Parameters
    ----------
    targets
        (N, N), rows that sum to one.

    Returns
    -------
    Tensor
        The mean entropy of a row as a share of log N, a scalar.

    """
    entropy = torch.special.entr(targets).sum(dim=1).mean()
    return entropy / math.log(max(2, len(targets)))


CWCL = PairLoss(lambda pairs: cwcl(pairs.profiles, pairs.perturbations, pairs.scale, pairs.targets))
"""With the targets of the minibatch."""
