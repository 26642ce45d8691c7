"""Matching of soft assignments to prototypes, with mean-entropy maximisation against collapse.

    p = softmax(cos(z, O) / tau)                             (Huang et al., CWA-MSN, Eq. 2; Assran et al. 2022, Eq. 1)
    p+ = p^(1/T) / sum p^(1/T)                               (sharpening of the teacher's, Assran et al. 2022, Eq. 2)
    L = lambda_1 mean_v H(p+, p_v) + lambda_2 (log K - H(mean p))

*Departures*: Eq. 3 of CWA-MSN prints its second term as a plain mean of the assignments, which is a constant and would not prevent
collapse; here it is the entropy of the mean assignment, as in MSN, with log K added so that it is never negative. Sharpening is one
softmax in log space, since p^(1/T) underflows. Sinkhorn normalisation of the teacher's assignments (Caron et al. 2020) is an option.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def log_assignments(embeddings: Tensor, prototypes: Tensor, /, *, temperature: float) -> Tensor:
    """Log of the soft assignments (..., K) of embeddings (..., d) to prototypes (K, d)."""
    cosine = functional.normalize(embeddings, dim=-1) @ functional.normalize(prototypes, dim=-1).T
    return functional.log_softmax(cosine / temperature, dim=-1)


def sharpen(log_p: Tensor, /, *, temperature: float) -> Tensor:
    """The assignments (..., K) whose log is given, sharpened; `temperature` below 1 sharpens."""
    return functional.softmax(log_p / temperature, dim=-1)


def sinkhorn(p: Tensor, /, *, iterations: int) -> Tensor:
    """Assignments (N, K) made to use all prototypes alike: columns, then rows, brought to equal sums, `iterations` times."""
    n, count = p.shape
    for _ in range(iterations):
        p = p / p.sum(dim=0, keepdim=True).clamp_min(1e-12) / count
        p = p / p.sum(dim=1, keepdim=True).clamp_min(1e-12) / n
    return p * n


def cross_entropy(targets: Tensor, log_p: Tensor, /) -> Tensor:
    """Mean over rows and views of H(targets (N, K), p (N, V, K)), a scalar."""
    return -(targets[:, None, :] * log_p).sum(dim=-1).mean()


def mean_entropy_gap(log_p: Tensor, /) -> Tensor:
    """The gap log K - H(mean assignment): zero where all prototypes are used alike, log K where one takes all."""
    mean = log_p.flatten(0, -2).logsumexp(dim=0) - math.log(log_p[..., 0].numel())
    return math.log(log_p.shape[-1]) + (mean.exp() * mean).sum()


def entropy(log_p: Tensor, /) -> Tensor:
    """The mean entropy of the assignments (..., K), in nats."""
    return -torch.sum(log_p.exp() * log_p, dim=-1).mean()
