"""SimCLR: two views find each other among all views of the minibatch; across wells, the two are sites of two wells.

Chen et al. 2020, sections 2 and 4 (losses/nt_xent.py). Projector of two layers, 2048 to 128, temperature .1. Of single wells the two
views are crops of one image, as in the paper; of cross wells they show one perturbation.
"""

from __future__ import annotations

import math
from typing import Literal

from impasto.losses.nt_xent import nt_xent
from impasto.nets.heads import Norm, head
from impasto.pretrain import collapse, images
from impasto.pretrain.images import Facts, ImageMethod, ImageSettings
from impasto.pretrain.view_feed import Views
from impasto.training.gather import gather
from impasto.training.method import Step

__all__ = ["METHOD", "SimClr", "SimClrSettings"]


class SimClrSettings(ImageSettings):
    """The projector and the temperature."""

    name: Literal["simclr"] = "simclr"
    hidden: int = 2048
    out: int = 128
    norm: Norm = "batch"
    temperature: float = 0.1


class SimClr(ImageMethod):
    """Encoder and projector.

    Parameters
    ----------
    settings
        Sizes and temperature.
    facts
        Channels and their light.

    """

    samples_channels = True

    def __init__(self, settings: SimClrSettings, facts: Facts, /) -> None:
        super().__init__(settings, facts)
        self.temperature = settings.temperature
        self.head = head([self.encoder.width, settings.hidden, settings.out], norm=settings.norm)

    def forward(self, minibatch: Views, /) -> Step:
        first = gather(self.represent(minibatch.anchor, None, minibatch.shown))
        second = gather(self.represent(minibatch.target))
        loss = nt_xent(self.head(first), self.head(second), temperature=self.temperature)
        return Step(
            terms={"nt_xent": loss},
            embeddings={"image": first},
            monitors={"embedding_rank": lambda: collapse.effective_rank(first.detach())},
            uniform={"nt_xent": math.log(2 * len(first) - 1)},
        )


METHOD = images.trainable(SimClrSettings, SimClr)
"""What `name = "simclr"` in `[stage.method]` of a recipe means."""
