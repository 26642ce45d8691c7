"""Heads: the multilayer perceptrons between an encoder and its loss (projection, prediction).

Chen et al. 2020 (SimCLR, projection), Grill et al. 2020 (BYOL, prediction), Assran et al. 2022 (MSN: three layers, batch norm, GELU).
Batch norm takes its statistics over the rows it is given: a method gathers the rows of all ranks first, so that several processes
compute what one would.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Literal

from torch import nn

Norm = Literal["batch", "layer", "none"]
_NORMS: dict[Norm, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "none": lambda width: nn.Identity()}  # noqa: ARG005


def head(widths: Sequence[int], /, *, norm: Norm = "batch", last_norm: bool = False) -> nn.Sequential:
    """Linear layers from `widths[0]` to `widths[-1]`, with a norm and GELU between them; `last_norm` adds a norm at the end."""
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(itertools.pairwise(widths)):
        inner = number < len(widths) - 2
        normed = inner or last_norm
        # A norm has its own offset, so the layer before it needs none.
        layers.append(nn.Linear(before, after, bias=not (normed and norm == "batch")))
        if normed:
            layers.append(_NORMS[norm](after))
        if inner:
            layers.append(nn.GELU())
    return nn.Sequential(*layers)
