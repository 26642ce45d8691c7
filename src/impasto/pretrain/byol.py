"""BYOL: predict a teacher's projection of the other view; no negatives (losses/cosine.py, pretrain/momentum.py).

Grill et al. 2020, section 3. Projector and predictor of two layers, 2048 to 256, batch norm between them; momentum .996 to 1.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor

from impasto.losses.cosine import cosine
from impasto.pretrain import images
from impasto.pretrain.momentum import Momentum, MomentumSettings

__all__ = ["METHOD", "Byol", "ByolSettings"]


class ByolSettings(MomentumSettings):
    """As the frame has them."""

    name: Literal["byol"] = "byol"


class Byol(Momentum):
    """The frame with the distance of unit vectors."""

    term = "cosine"

    def compare(self, predictions: Tensor, targets: Tensor, /) -> Tensor:
        return cosine(predictions, targets)


METHOD = images.trainable(ByolSettings, partial(Byol, last_norm=False))
"""What `name = "byol"` in `[stage.method]` of a recipe means."""
