"""SupCon: each well is pulled towards all wells of its label and away from the others.

    L = -sum_{i in I} (1/|P(i)|) sum_{p in P(i)} log [ exp(h_i . h_p / tau) / sum_{a in A(i)} exp(h_i . h_a / tau) ]

CellPainTR, Eq. 11; Khosla et al. 2020 (their L_out). P(i): the other rows of i's label; A(i): all rows but i; h of unit length.

Departures: the mean over the rows that have a positive, not the sum: Eq. 10 adds it to a mean with equal weight, which a sum
would outgrow with the minibatch. Rows without a positive stand among the others' negatives only.
"""

from __future__ import annotations

import torch
from torch import Tensor


def supcon(embeddings: Tensor, labels: Tensor, /, *, temperature: float = 0.07) -> Tensor:
    """The mean over the rows that have a positive (CellPainTR, Eq. 11).

    Parameters
    ----------
    embeddings
        Unit rows (N, width).
    labels
        (N,) codes.
    temperature
        tau.

    Returns
    -------
    Tensor
        The loss, a scalar in nats; 0 where no row has a positive.

    """
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    scores = (embeddings @ embeddings.T / temperature).masked_fill(itself, float("-inf"))
    log_share = (scores - scores.logsumexp(dim=1, keepdim=True)).masked_fill(~positive, 0.0)
    counts = positive.sum(dim=1)
    rows = -log_share.sum(dim=1) / counts.clamp(min=1)
    return rows.sum() / (counts > 0).sum().clamp(min=1)
