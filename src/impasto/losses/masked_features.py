"""Masked features: the mean over feature groups of the mean squared error on each group's masked values.

    L = (1/G) sum_g (1/|M_g|) sum_{i in M_g} (F_{g,i} - F'_{g,i})^2

CellPainTR, Eq. 9; groups are the channel x compartment combinations. A group of many features weighs no more than one of few.

Departures: M_g holds the masked values of the whole minibatch; a group without any in this minibatch is left out of the mean.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def masked_features(predicted: Tensor, values: Tensor, masked: Tensor, groups: Tensor, /) -> Tensor:
    """The mean over groups of the mean squared error on masked values (CellPainTR, Eq. 9).

    Parameters
    ----------
    predicted, values
        Predicted and true values, (N, L) each.
    masked
        (N, L), True where a value was hidden.
    groups
        (L,) the group of each feature, as codes 0..G-1.

    Returns
    -------
    Tensor
        The loss, a scalar; 0 where nothing is masked.

    """
    belongs = functional.one_hot(groups).to(predicted.dtype)
    squares = torch.where(masked, predicted - values, torch.zeros_like(predicted)).square().sum(dim=0) @ belongs
    counts = masked.sum(dim=0).to(predicted.dtype) @ belongs
    seen = counts > 0
    return (squares / counts.clamp(min=1)).sum() / seen.sum().clamp(min=1)
