"""WSL, weakly supervised learning: name the perturbation of a view.

    L = CE(W f(x) + b, perturbation)

Caicedo et al. 2018; Moshkov et al. 2024; the ViT-WSL row of CWA-MSN's Table 1. Negative controls are a class like the others unless
`pairs.controls` is off. The pairs matter only for which sites are drawn.
"""

from __future__ import annotations

import math
from typing import Literal

from torch import nn
from torch.nn import functional

from impasto.pretrain import collapse, images
from impasto.pretrain.images import Facts, ImageMethod, ImageSettings
from impasto.pretrain.view_feed import Views
from impasto.training.gather import gather
from impasto.training.method import Step

__all__ = ["METHOD", "Wsl", "WslSettings"]


class WslSettings(ImageSettings):
    """The share of label smoothing."""

    name: Literal["wsl"] = "wsl"
    smoothing: float = 0.0


class Wsl(ImageMethod):
    """Encoder and a linear classifier of the perturbations.

    Parameters
    ----------
    settings
        The encoder, and the share of label smoothing.
    facts
        Channels, their light and the perturbations.

    """

    samples_channels = True

    def __init__(self, settings: WslSettings, facts: Facts, /) -> None:
        super().__init__(settings, facts)
        self.smoothing = settings.smoothing
        self.classifier = nn.Linear(self.encoder.width, len(facts.perturbations))

    def forward(self, minibatch: Views, /) -> Step:
        seen, group = gather(self.represent(minibatch.anchor, None, minibatch.shown)), gather(minibatch.group)
        scores = self.classifier(seen)
        right = (scores.detach().argmax(dim=1) == group).float().mean()
        return Step(
            terms={"cross_entropy": functional.cross_entropy(scores, group, label_smoothing=self.smoothing)},
            embeddings={"image": seen},
            monitors={"accuracy": right, "embedding_rank": lambda: collapse.effective_rank(seen.detach())},
            uniform={"cross_entropy": math.log(scores.shape[1])},
        )


METHOD = images.trainable(WslSettings, Wsl, across=False)
"""What `name = "wsl"` in `[stage.method]` of a recipe means."""
