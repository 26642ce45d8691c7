"""Teacher: a copy of a net that follows it as an exponential moving average and is never trained itself.

    theta' <- m theta' + (1 - m) theta

Tarvainen & Valpola 2017; Grill et al. 2020, Eq. 1. Buffers (the running statistics of batch norm) are averaged where they are
floating point and copied otherwise.
"""

from __future__ import annotations

import copy
import math
from typing import Any, Literal

import torch
from torch import nn


class Teacher(nn.Module):
    """A copy of a net, at `net`, that follows it as a moving average; no gradient ever reaches it.

    Parameters
    ----------
    student
        The net to copy.

    """

    def __init__(self, student: nn.Module, /) -> None:
        super().__init__()
        self.net: Any = copy.deepcopy(student).requires_grad_(requires_grad=False)

    @torch.no_grad()
    def follow(self, student: nn.Module, /, *, momentum: float) -> None:
        """Move towards the student.

        Parameters
        ----------
        student
            The net that was copied.
        momentum
            The share of its own weights that the teacher keeps: 0 copies the student, 1 stays.

        """
        followed = student.state_dict()
        own = {name: weight for name, weight in self.net.state_dict().items() if weight.is_floating_point()}
        # All weights in a few passes over memory: one call a weight takes longer than the arithmetic.
        torch._foreach_lerp_(list(own.values()), [followed[name] for name in own], 1 - momentum)
        for name, weight in self.net.state_dict().items():
            if name not in own:
                weight.copy_(followed[name])


def momentum_at(progress: float, /, *, start: float, end: float = 1.0, shape: Literal["linear", "cosine"] = "linear") -> float:
    """The momentum after a share of the training.

    Parameters
    ----------
    progress
        The share that is done, 0 to 1.
    start, end
        Momentum at 0 and at 1.
    shape
        How it goes from one to the other.

    Returns
    -------
    float
        The momentum.

    """
    share = progress if shape == "linear" else 0.5 * (1 - math.cos(math.pi * progress))
    return start + (end - start) * share
