"""MoCo v3: a prediction finds the teacher's key of the other view among the minibatch (losses/info_nce.py, pretrain/momentum.py).

Chen, Xie & He 2021, Algorithm 1. Projector and predictor of two layers, 2048 to 256; momentum .99 to 1 along a cosine; temperature .1.
*Departures*: the projector has two layers, as in the comparisons of the papers here; the paper's own for ViT has three.
"""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor

from impasto.losses.info_nce import info_nce
from impasto.pretrain import images
from impasto.pretrain.images import Facts
from impasto.pretrain.momentum import Momentum, MomentumSettings

__all__ = ["METHOD", "MocoV3", "MocoV3Settings"]


class MocoV3Settings(MomentumSettings):
    """The temperature, and a faster teacher than BYOL's."""

    name: Literal["moco_v3"] = "moco_v3"
    momentum: float = 0.99
    temperature: float = 0.1


class MocoV3(Momentum):
    """The frame with InfoNCE.

    Parameters
    ----------
    settings
        Sizes, momentum and temperature.
    facts
        Channels and their light.

    """

    term = "info_nce"

    def __init__(self, settings: MocoV3Settings, facts: Facts, /) -> None:
        super().__init__(settings, facts, last_norm=True)
        self.temperature = settings.temperature

    def uniform(self, rows: int, /) -> float:
        """Two choices among all rows, times 2 tau each.

        Parameters
        ----------
        rows
            Of the minibatch.

        Returns
        -------
        float
            In nats.

        """
        return 4 * self.temperature * math.log(rows)

    def compare(self, predictions: Tensor, targets: Tensor, /) -> Tensor:
        return info_nce(predictions, targets, temperature=self.temperature)


METHOD = images.trainable(MocoV3Settings, MocoV3)
"""What `name = "moco_v3"` in `[stage.method]` of a recipe means."""
