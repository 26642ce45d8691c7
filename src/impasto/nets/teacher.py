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
    """An EMA copy of `student` at `net`; no gradient ever reaches it."""

    def __init__(self, student: nn.Module, /) -> None:
        super().__init__()
        self.net: Any = copy.deepcopy(student).requires_grad_(requires_grad=False)

    @torch.no_grad()
    def follow(self, student: nn.Module, /, *, momentum: float) -> None:
        """Move towards `student`: all of the way at momentum 0, not at all at 1."""
        theirs = student.state_dict()
        for name, mine in self.net.state_dict().items():
            if mine.is_floating_point():
                mine.mul_(momentum).add_(theirs[name], alpha=1 - momentum)
            else:
                mine.copy_(theirs[name])


def momentum_at(progress: float, /, *, start: float, end: float = 1.0, shape: Literal["linear", "cosine"] = "linear") -> float:
    """The momentum when a share `progress` (0..1) of the training is done."""
    share = progress if shape == "linear" else 0.5 * (1 - math.cos(math.pi * progress))
    return start + (end - start) * share
