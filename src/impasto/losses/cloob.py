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
    """InfoLOOB between the embeddings that two Hopfield networks retrieve (Fürst et al. 2022, Eq. 3 to 9).

    Parameters
    ----------
    profiles, perturbations
        Unit embeddings, (N, width) each, N >= 2.
    scale
        1/tau, a scalar.
    beta
        Inverse temperature of the Hopfield networks.

    Returns
    -------
    Tensor
        The loss, a scalar in nats.

    """
    among_profiles = leave_one_out(retrieved(profiles, profiles, beta=beta), retrieved(perturbations, profiles, beta=beta), scale)
    among_perturbations = leave_one_out(
        retrieved(perturbations, perturbations, beta=beta), retrieved(profiles, perturbations, beta=beta), scale
    )
    return 0.5 * (among_profiles + among_perturbations)


def retrieved(states: Tensor, stored: Tensor, /, *, beta: float) -> Tensor:
    """What a modern Hopfield network recalls for some states.

    Parameters
    ----------
    states
        Unit rows (N, width).
    stored
        Unit rows (M, width), the patterns that the network stores.
    beta
        Inverse temperature.

    Returns
    -------
    Tensor
        The recalled patterns (N, width), unit rows.

    """
    return functional.normalize(torch.softmax(beta * states @ stored.T, dim=1) @ stored, dim=1)


def leave_one_out(anchors: Tensor, others: Tensor, scale: Tensor, /) -> Tensor:
    """InfoLOOB: the pair itself stands in the numerator only.

    Parameters
    ----------
    anchors, others
        Unit rows, (N, width) each; row i of both is pair i.
    scale
        1/tau, a scalar.

    Returns
    -------
    Tensor
        The loss, a scalar in nats. It has no lower bound as the scale grows.

    """
    scores = scale * anchors @ others.T
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    return (torch.logsumexp(scores.masked_fill(own, float("-inf")), dim=1) - scores.diagonal()).mean()


CLOOB = PairLoss(lambda pairs: cloob(pairs.profiles, pairs.perturbations, pairs.scale), learns_scale=False)
"""With the scale held fixed, as Fürst et al. do."""
