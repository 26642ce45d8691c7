"""SigCLIP: each pair of a minibatch is one yes-or-no question, so no pair is normalised by the others.

    L = -(1/N) sum_i sum_j log sigmoid( z_ij (s <p_i, q_j> + b) ),   z_ij = 1 for i = j, else -1

with unit rows p (profiles), q (perturbations), the scale s = 1/tau and a bias b. Zhai et al. 2023, Eq. 1; the default loss of
MolPhenix* in Lu et al., CellCLIP, appendix E. Both start at s = 10, b = -10 and are learned, so that the many negatives do not
drown the pairs in the first steps.

Departures: none. The sum over j holds both directions at once, so nothing is halved: like every cross-modal loss here it is a
mean over pairs.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from impasto.losses.pairs import PairLoss


def sigclip(profiles: Tensor, perturbations: Tensor, scale: Tensor, bias: Tensor, /) -> Tensor:
    """The sum over all questions, divided by the number of pairs (Zhai et al. 2023, Eq. 1).

    Parameters
    ----------
    profiles, perturbations
        Unit embeddings, (N, width) each; row i of both is pair i.
    scale, bias
        Scalars s and b.

    Returns
    -------
    Tensor
        The loss, a scalar in nats.

    """
    answers = scale * profiles @ perturbations.T + bias
    signs = 2 * torch.eye(len(answers), dtype=answers.dtype, device=answers.device) - 1
    return -functional.logsigmoid(signs * answers).sum() / len(answers)


SIGCLIP = PairLoss(lambda pairs: sigclip(pairs.profiles, pairs.perturbations, pairs.scale, pairs.bias), scale=10.0, has_bias=True)
"""With its bias, and the start of Zhai et al."""
