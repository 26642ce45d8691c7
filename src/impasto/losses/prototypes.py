"""Matching of soft assignments to prototypes, with mean-entropy maximisation against collapse.

    p = softmax(cos(z, O) / tau)                             (Huang et al., CWA-MSN, Eq. 2; Assran et al. 2022, Eq. 1)
    p+ = p^(1/T) / sum p^(1/T)                               (sharpening of the teacher's, Assran et al. 2022, Eq. 2)
    L = lambda_1 mean_v H(p+, p_v) + lambda_2 (log K - H(mean p))

*Departures*: Eq. 3 of CWA-MSN prints its second term as a plain mean of the assignments. That is a constant and would not prevent collapse.
Here it is the entropy of the mean assignment, as in MSN, with log K added so that it is never negative. Sharpening is one softmax in log
space, since p^(1/T) underflows. Sinkhorn normalisation of the teacher's assignments (Caron et al. 2020) is an option.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def log_assignments(embeddings: Tensor, prototypes: Tensor, /, *, temperature: float) -> Tensor:
    """Log of the soft assignments of embeddings to prototypes (CWA-MSN, Eq. 2).

    Parameters
    ----------
    embeddings
        (..., d), of any length.
    prototypes
        (K, d), of any length.
    temperature
        tau.

    Returns
    -------
    Tensor
        Log probabilities (..., K).

    """
    cosine = functional.normalize(embeddings, dim=-1) @ functional.normalize(prototypes, dim=-1).T
    return functional.log_softmax(cosine / temperature, dim=-1)


def sharpen(log_p: Tensor, /, *, temperature: float) -> Tensor:
    """Assignments with a smaller entropy (Assran et al. 2022, Eq. 2).

    Parameters
    ----------
    log_p
        Log probabilities (..., K).
    temperature
        T; below 1 it sharpens.

    Returns
    -------
    Tensor
        Probabilities (..., K).

    """
    return functional.softmax(log_p / temperature, dim=-1)


def sinkhorn(p: Tensor, /, *, iterations: int) -> Tensor:
    """Assignments that use all prototypes alike (Caron et al. 2020): columns, then rows, are brought to equal sums.

    Parameters
    ----------
    p
        Probabilities (N, K).
    iterations
        How often.

    Returns
    -------
    Tensor
        Probabilities (N, K); each row sums to one.

    """
    n, count = p.shape
    for _ in range(iterations):
        p = p / p.sum(dim=0, keepdim=True).clamp_min(1e-12) / count
        p = p / p.sum(dim=1, keepdim=True).clamp_min(1e-12) / n
    return p * n


def cross_entropy(targets: Tensor, log_p: Tensor, /) -> Tensor:
    """The mean cross entropy of targets and assignments over rows and views.

    Parameters
    ----------
    targets
        Probabilities (N, K).
    log_p
        Log probabilities of V views (N, V, K).

    Returns
    -------
    Tensor
        A scalar in nats.

    """
    return -(targets[:, None, :] * log_p).sum(dim=-1).mean()


def mean_entropy_gap(log_p: Tensor, /) -> Tensor:
    """The gap between log K and the entropy of the mean assignment.

    Parameters
    ----------
    log_p
        Log probabilities (..., K).

    Returns
    -------
    Tensor
        A scalar in nats: 0 where all prototypes are used alike, log K where one takes all.

    """
    mean = log_p.flatten(0, -2).logsumexp(dim=0) - math.log(log_p[..., 0].numel())
    return math.log(log_p.shape[-1]) + (mean.exp() * mean).sum()


def entropy(log_p: Tensor, /) -> Tensor:
    """The mean entropy of the assignments.

    Parameters
    ----------
    log_p
        Log probabilities (..., K).

    Returns
    -------
    Tensor
        A scalar in nats.

    """
    return -torch.sum(log_p.exp() * log_p, dim=-1).mean()
