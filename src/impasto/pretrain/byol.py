"""BYOL: predict a teacher's projection of the other view; no negatives (losses/cosine.py, pretrain/momentum.py).

Grill et al. 2020, section 3. Projector and predictor of two layers, 2048 to 256, batch norm between them; momentum .996 to 1.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from impasto.losses.cosine import cosine
from impasto.plates.sites import Sites
from impasto.pretrain import images
from impasto.pretrain.images import Facts
from impasto.pretrain.momentum import Momentum, MomentumSettings
from impasto.training.method import Prepared, Trainable

__all__ = ["METHOD", "Byol", "ByolSettings", "build", "prepare"]


class ByolSettings(MomentumSettings):
    """As the frame has them."""

    name: Literal["byol"] = "byol"


class Byol(Momentum):
    """The frame with the distance of unit vectors."""

    term = "cosine"

    def compare(self, predictions: Tensor, targets: Tensor, /) -> Tensor:
        return cosine(predictions, targets)


def build(settings: ByolSettings, facts: Facts, /) -> Byol:
    """The untrained method.

    Parameters
    ----------
    settings
        Sizes and momentum.
    facts
        Channels and their light.

    Returns
    -------
    Byol
        The method.

    """
    return Byol(settings, facts, last_norm=False)


def prepare(settings: ByolSettings, sites: Sites, /, *, seed: int) -> Prepared:
    """The method with its sites.

    Parameters
    ----------
    settings
        Which sites, how their views are made, and the sizes.
    sites
        Ingested images.
    seed
        Of the weights and the views.

    Returns
    -------
    Prepared
        The method, its feed and its facts.

    Raises
    ------
    InputError
        Where a channel is not there, no site can be read, or the sites make no pairs.

    """
    return images.prepare(settings, sites, seed=seed, build=build)


METHOD = Trainable(ByolSettings, prepare, reads="sites", build=build)
"""What `name = "byol"` in `[stage.method]` of a recipe means."""
