"""S2L: soft answers by how near two profiles lie in the joint space, in the form of its authors.

    L     = -(1/N) sum_i sum_j [ r_ij log sigmoid(x_ij) + (gamma - delta r_ij) log sigmoid(-x_ij) ],   x_ij = s <p_i, q_j> + b
    r_ij  = 1 - (4/pi) atan( |p_i - p_j|^2 / 0.3 )  where that is at least .75, else 0

Fradkin et al. 2024 (MolPhenix); Lu et al., CellCLIP, appendix E: gamma = 1.75, delta = .75. The similarities are those of the projected
profiles and carry gradient. A pair with itself has r = 1, so it is asked to be a pair and, with the weight gamma - delta, not to be one.

Departures: none known. The public code of CellCLIP takes gamma = 1.7.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from impasto.losses.pairs import PairLoss, Pairs

_LEAST = 0.75


def alike(profiles: Tensor, /, *, spread: float = 0.3) -> Tensor:
    """How near profiles lie in the joint space: 1 - (4/pi) atan(squared distance / spread).

    Parameters
    ----------
    profiles
        Unit embeddings (N, width).
    spread
        The squared distance at which it is 0.

    Returns
    -------
    Tensor
        (N, N), 1 for a profile and itself, less for others; with the gradient of the profiles.

    """
    # |p - q|^2 = 2 - 2 <p, q> of unit rows; the own distance is exactly zero, whatever the rounding.
    own = torch.eye(len(profiles), dtype=torch.bool, device=profiles.device)
    squared = (2 - 2 * profiles @ profiles.T).clamp(min=0).masked_fill(own, 0)
    return 1 - (4 / math.pi) * torch.atan(squared / spread)


def similarities(profiles: Tensor, /, *, spread: float = 0.3, least: float = _LEAST) -> Tensor:
    """The r of the loss.

    Parameters
    ----------
    profiles
        Unit embeddings (N, width).
    spread
        The squared distance at which the similarity is 0.
    least
        Similarities below it count as 0.

    Returns
    -------
    Tensor
        (N, N), 0 or from `least` to 1; with the gradient of the profiles.

    """
    similarity = alike(profiles, spread=spread)
    return torch.where(similarity >= least, similarity, torch.zeros_like(similarity))


def s2l(
    profiles: Tensor,
    perturbations: Tensor,
    scale: Tensor,
    bias: Tensor,
    /,
    *,
    gamma: float = 1.75,
    delta: float = 0.75,
    least: float = _LEAST,
) -> Tensor:
    """The sum over all pairs, divided by their number of rows.

    Parameters
    ----------
    profiles, perturbations
        Unit embeddings, (N, width) each; row i of both is pair i.
    scale, bias
        Scalars s and b.
    gamma, delta
        The weight of "not a pair" is gamma - delta r.
    least
        Similarities below it count as 0.

    Returns
    -------
    Tensor
        The loss, a scalar in nats.

    """
    logits = scale * profiles @ perturbations.T + bias
    similar = similarities(profiles, least=least)
    return -(similar * functional.logsigmoid(logits) + (gamma - delta * similar) * functional.logsigmoid(-logits)).sum() / len(logits)


def _monitors(pairs: Pairs) -> dict[str, Tensor]:
    """The share of pairs of different rows that are near enough to count as alike."""
    near = similarities(pairs.profiles.detach())
    return {"soft_answers": (near.count_nonzero() - len(near)) / max(1, len(near) * (len(near) - 1))}


S2L = PairLoss(
    lambda pairs: s2l(pairs.profiles, pairs.perturbations, pairs.scale, pairs.bias), scale=10.0, has_bias=True, monitors=_monitors
)
"""With the similarities of the minibatch."""
