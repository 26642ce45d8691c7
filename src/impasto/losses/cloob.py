"""CLOOB: embeddings are first retrieved from a Hopfield network that stores the minibatch, then contrasted leaving the pair out.

    U(x) = normalise( P^T softmax(beta P x) )        retrieved among profiles P
    V(x) = normalise( Q^T softmax(beta Q x) )        retrieved among perturbations Q
    L    = 1/2 [ loob(U(p), U(q)) + loob(V(q), V(p)) ]
    loob(a, b) = -(1/N) sum_i log( exp(s <a_i, b_i>) / sum_{j != i} exp(s <a_i, b_j>) )

Fürst et al. 2022, Eq. 3 to 9 (InfoLOOB: the pair itself is absent from its denominator, so the loss does not saturate);
beta = 14.3 as Sanchez-Fernandez et al., CLOOME, chose it.

Departures: the mean of the two directions, not their sum (see `clip`). InfoLOOB falls without bound as s grows, so a method
must hold s fixed, as Fürst et al. do.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from impasto.losses.pairs import PairLoss


def cloob(profiles: Tensor, perturbations: Tensor, scale: Tensor, /, *, beta: float = 14.3) -> Tensor:
    """The loss of N >= 2 pairs, a scalar, from unit embeddings (N, width) twice and a scale."""
    among_profiles = leave_one_out(retrieved(profiles, profiles, beta=beta), retrieved(perturbations, profiles, beta=beta), scale)
    among_perturbations = leave_one_out(
        retrieved(perturbations, perturbations, beta=beta), retrieved(profiles, perturbations, beta=beta), scale
    )
    return 0.5 * (among_profiles + among_perturbations)


def retrieved(states: Tensor, stored: Tensor, /, *, beta: float) -> Tensor:
    """What a modern Hopfield network with patterns `stored` (M, width) recalls for `states` (N, width), as unit rows."""
    return functional.normalize(torch.softmax(beta * states @ stored.T, dim=1) @ stored, dim=1)


def leave_one_out(anchors: Tensor, others: Tensor, scale: Tensor, /) -> Tensor:
    """InfoLOOB of N pairs: the own partner stands in the numerator only."""
    scores = scale * anchors @ others.T
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    return (torch.logsumexp(scores.masked_fill(own, float("-inf")), dim=1) - scores.diagonal()).mean()


CLOOB = PairLoss(lambda pairs: cloob(pairs.profiles, pairs.perturbations, pairs.scale), learns_scale=False)
"""With the scale held fixed, as Fürst et al. do."""
