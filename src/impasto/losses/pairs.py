"""What a loss of pairs is given and what it says of itself: the contract of the family `losses`.

The simplest loss is a function of unit embeddings (N, width), unit embeddings (N, width) and a scale () that returns a scalar. One that
wants more (a bias, the targets of similar perturbations) or has a start of its own is a `PairLoss`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

Plain = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Pairs:
    """N pairs of a minibatch.

    Attributes
    ----------
    profiles, perturbations
        Unit embeddings (N, width); row i of both is pair i.
    scale
        1/tau, a scalar.
    bias
        A scalar; 0 of a loss that has none.
    targets
        (N, N) how alike the profiles of two pairs are, rows that sum to one (`cwcl.weights`); without gradient.

    """

    profiles: Tensor
    perturbations: Tensor
    scale: Tensor
    bias: Tensor
    targets: Tensor


@dataclass(frozen=True)
class PairLoss:
    """A loss of pairs.

    Attributes
    ----------
    value
        The scalar, from pairs.
    scale
        1/tau at the start, where the settings do not say.
    learns_scale
        Whether the scale is a weight of the method.
    has_bias
        Whether the bias is.
    monitors
        What else to log: name -> scalar.

    """

    value: Callable[[Pairs], Tensor]
    scale: float = 14.3
    learns_scale: bool = True
    has_bias: bool = False
    monitors: Callable[[Pairs], Mapping[str, Tensor]] = lambda _: {}


def pair_loss(loss: PairLoss | Plain, /) -> PairLoss:
    """The loss as it is, or a plain function as a loss that learns its scale.

    Parameters
    ----------
    loss
        A `PairLoss`, or a function of profiles (N, width), perturbations (N, width) and the scale ().

    Returns
    -------
    PairLoss
        The loss with what it says of itself.

    """
    if isinstance(loss, PairLoss):
        return loss
    function: Plain = loss
    return PairLoss(lambda pairs: function(pairs.profiles, pairs.perturbations, pairs.scale))
