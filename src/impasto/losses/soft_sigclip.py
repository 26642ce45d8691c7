"""Soft SigCLIP: SigCLIP with soft answers, so that two compounds whose profiles are nearly the same are not pushed apart.

    L     = -(1/N) sum_i sum_j log( w_ij sigmoid(x_ij) + (1 - w_ij) sigmoid(-x_ij) ),   x_ij = s <p_i, q_j> + b
    w_ij  = clip(gamma r_ij - delta, 0, 1)  where r_ij >= least, else 0;   w_ii of the pair itself as any other
    r_ij  = 1 - (4/pi) atan( |p_i - p_j|^2 / 0.3 )

A loss of this package, after an idea of Fradkin et al. 2024 (MolPhenix). The answers are probabilities. The line gamma r - delta gives a
pair with itself the answer 1, and no gradient flows through it. Without near profiles the answers are one-hot, and it is SigCLIP. The
published S2L is another loss, `losses/s2l.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from impasto.losses.pairs import PairLoss, Pairs
from impasto.losses.s2l import alike


def answers(profiles: Tensor, /, *, spread: float = 0.3, least: float = 0.75, gamma: float = 1.75, delta: float = 0.75) -> Tensor:
    """Soft answers to "are these two a pair?"; no gradient flows.

    Parameters
    ----------
    profiles
        Unit embeddings (N, width).
    spread
        The squared distance at which the similarity is 0.
    least
        Similarities below it give the answer 0.
    gamma, delta
        Slope and offset of the line from similarity to answer.

    Returns
    -------
    Tensor
        Answers (N, N), 0 to 1.

    """
    similarity = alike(profiles.detach(), spread=spread)
    return torch.where(similarity >= least, (gamma * similarity - delta).clamp(0, 1), torch.zeros_like(similarity))


def soft_sigclip(profiles: Tensor, perturbations: Tensor, scale: Tensor, bias: Tensor, targets: Tensor, /) -> Tensor:
    """The sum over all answers, divided by the number of pairs.

    Parameters
    ----------
    profiles, perturbations
        Unit embeddings, (N, width) each; row i of both is pair i.
    scale, bias
        Scalars s and b.
    targets
        Answers (N, N), from `answers`.

    Returns
    -------
    Tensor
        The loss, a scalar in nats.

    """
    logits = scale * profiles @ perturbations.T + bias
    # In logarithms: w sigmoid(x) underflows long before its logarithm does.
    yes, no = functional.logsigmoid(logits) + targets.log(), functional.logsigmoid(-logits) + (-targets).log1p()
    return -torch.logaddexp(yes, no).sum() / len(logits)


def _value(pairs: Pairs) -> Tensor:
    return soft_sigclip(pairs.profiles, pairs.perturbations, pairs.scale, pairs.bias, answers(pairs.profiles))


def _monitors(pairs: Pairs) -> dict[str, Tensor]:
    """How many pairs of different perturbations are near enough for a soft answer: with none, it is SigCLIP."""
    soft = answers(pairs.profiles)
    return {"soft_answers": (soft.count_nonzero() - len(soft)) / max(1, len(soft) * (len(soft) - 1))}


SOFT_SIGCLIP = PairLoss(_value, scale=10.0, has_bias=True, monitors=_monitors)
"""With the answers of the minibatch."""
