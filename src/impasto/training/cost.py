"""What a step costs: its operations, counted once on tensors without values, so that nothing is computed and nothing moves.

A step that reads nothing from the device runs on `meta` tensors too: they have shapes and no memory. So the count needs no second run of
the net, and no random number is drawn for it.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from impasto import devices


def operations(method: nn.Module, minibatch: Any, /) -> float:
    """The operations of one step: forward and backward, matrix products, convolutions and attention.

    Parameters
    ----------
    method
        Not changed.
    minibatch
        What it reads.

    Returns
    -------
    float
        How many; Fourier transforms are not counted.

    """
    meta = torch.device("meta")
    tensors = [*method.parameters(), *method.buffers()]
    twins: dict[int, Any] = {}
    for tensor in tensors:
        twin = tensor.detach().to(meta)
        twins[id(tensor)] = nn.Parameter(twin, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else twin
    outline = copy.deepcopy(method, twins)
    with devices.counted() as count:
        outline(minibatch.to(meta)).loss.backward()
    return count[0]
