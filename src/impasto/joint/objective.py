"""The loss of the two towers with what it learns of its own: the scale 1/tau, and the bias of the losses by sigmoid."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from impasto.joint.settings import LossSettings
from impasto.losses import LOSSES
from impasto.losses.cwcl import entropy_share, weights
from impasto.losses.pairs import PairLoss, Pairs, Plain, pair_loss


class Objective(nn.Module):
    """Unit embeddings of N pairs and the pooled profiles behind them -> the loss, and what to log.

    Parameters
    ----------
    settings
        The name of the loss, and what it begins with.
    loss
        A loss given in Python, instead of that name.

    """

    no_decay = ("log_scale", "bias")

    def __init__(self, settings: LossSettings, /, *, loss: PairLoss | Plain | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.loss = pair_loss(LOSSES.resolve(settings.loss if loss is None else loss))
        self.log_scale = nn.Parameter(torch.tensor(math.log(settings.scale or self.loss.scale)), requires_grad=self.loss.learns_scale)
        self.bias = nn.Parameter(torch.tensor(settings.bias)) if self.loss.has_bias else None

    def forward(self, profiles: Tensor, perturbations: Tensor, pooled: Tensor, /) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of N pairs.

        Parameters
        ----------
        profiles, perturbations
            Unit embeddings, (N, width) each; row i of both is pair i.
        pooled
            The pooled profiles behind them (N, channels, d).

        Returns
        -------
        tuple[Tensor, dict[str, Tensor]]
            The loss, a scalar, and what to log.

        """
        s = self.settings
        scale = self.log_scale.exp().clamp(max=100.0)
        targets = weights(pooled, centre=s.centre, sharpness=s.sharpness, top=s.top)
        bias = scale.new_zeros(()) if self.bias is None else self.bias
        pairs = Pairs(profiles, perturbations, scale, bias, targets)
        monitors = {"scale": scale, "target_entropy_share": entropy_share(targets), **self.loss.monitors(pairs)}
        return self.loss.value(pairs), monitors if self.bias is None else {**monitors, "bias": self.bias}
