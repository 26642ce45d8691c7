"""The loss of the two towers with what it learns of its own: the scale 1/tau, and the bias of the losses by sigmoid."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from impasto.joint.settings import LossSettings
from impasto.losses.clip import clip
from impasto.losses.cloob import cloob
from impasto.losses.cwcl import cwcl, entropy_share, weights
from impasto.losses.s2l import answers, s2l
from impasto.losses.sigclip import sigclip

_SIGMOID = ("sigclip", "s2l")


class Objective(nn.Module):
    """Unit embeddings of N pairs and the pooled profiles behind them -> the loss, and what to log."""

    no_decay = ("log_scale", "bias")

    def __init__(self, settings: LossSettings) -> None:
        super().__init__()
        self.settings = settings
        start = settings.scale or (10.0 if settings.loss in _SIGMOID else 14.3)
        self.log_scale = nn.Parameter(torch.tensor(math.log(start)), requires_grad=settings.loss != "cloob")
        self.bias = nn.Parameter(torch.tensor(settings.bias)) if settings.loss in _SIGMOID else None

    def forward(self, profiles: Tensor, perturbations: Tensor, pooled: Tensor, /) -> tuple[Tensor, dict[str, Tensor]]:
        s = self.settings
        scale = self.log_scale.exp().clamp(max=100.0)
        targets = weights(pooled, centre=s.centre, sharpness=s.sharpness, top=s.top)
        monitors = {"scale": scale, "target_entropy_share": entropy_share(targets)}
        if self.bias is not None:
            monitors["bias"] = self.bias
            if s.loss == "sigclip":
                return sigclip(profiles, perturbations, scale, self.bias), monitors
            soft = answers(profiles)
            # How many pairs of different perturbations are near enough for a soft answer: with none, S2L is SigCLIP.
            monitors["soft_answers"] = (soft.count_nonzero() - len(soft)) / max(1, len(soft) * (len(soft) - 1))
            return s2l(profiles, perturbations, scale, self.bias, soft), monitors
        if s.loss == "cloob":
            return cloob(profiles, perturbations, scale), monitors
        if s.loss == "clip":
            return clip(profiles, perturbations, scale), monitors
        return cwcl(profiles, perturbations, scale, targets), monitors
