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
    """Linear layers with a norm and GELU between them.

    Parameters
    ----------
    widths
        Of the input, the hidden layers and the output.
    norm
        Which norm: `batch`, `layer` or `none`.
    last_norm
        Whether a norm follows the last layer too.

    Returns
    -------
    nn.Sequential
        (N, widths[0]) -> (N, widths[-1]).

    """
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
