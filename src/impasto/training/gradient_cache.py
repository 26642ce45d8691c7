"""Gradient caching: the gradient of one large contrastive minibatch, with the memory of a small one.

    1. embeddings of every chunk, without a graph          e_k = f(x_k)
    2. the loss of all embeddings together, and            g_k = dL / de_k
    3. each chunk again, with a graph                      dL/dtheta = sum_k (de_k / dtheta)^T g_k

Gao et al. 2021 ("Scaling deep contrastive learning batch size under memory limited setup"). A contrastive loss sees all pairs
of a minibatch at once, so plain accumulation over chunks would change it; this does not. Each chunk is computed twice, from the
same random state, so that dropout falls on the same units.

Departures: none. On several ranks the gradients are averaged here, once, since the chunks pass the wrapper by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
import torch.distributed as dist
from torch import Tensor

from impasto import devices
from impasto.training.method import Step


@runtime_checkable
class Contrasting(Protocol):
    """A method whose loss needs only what its towers give."""

    def towers(self, minibatch: Any, /) -> tuple[Tensor, ...]:
        """The tensors that the loss is a function of.

        Parameters
        ----------
        minibatch
            N rows.

        Returns
        -------
        tuple[Tensor, ...]
            Tensors with N rows each.

        """

    def contrast(self, *sides: Tensor) -> Step:
        """The loss of all rows of a large minibatch together.

        Parameters
        ----------
        sides
            What `towers` gives, of all rows.

        Returns
        -------
        Step
            The loss terms and embeddings.

        """


def backward(method: Contrasting, chunks: Sequence[Any], /) -> Step:
    """Add the gradient of the minibatch that these chunks make up to the method's parameters.

    Parameters
    ----------
    method
        Its parameters' `grad` is changed.
    chunks
        Parts of one minibatch.

    Returns
    -------
    Step
        The step of the whole minibatch.

    """
    states, parts = [], []
    for chunk in chunks:
        states.append(devices.random_state())
        with torch.no_grad():
            parts.append(method.towers(chunk))
    whole = [torch.cat(side).requires_grad_() for side in zip(*parts, strict=True)]
    step = method.contrast(*whole)
    step.loss.backward()  # type: ignore[no-untyped-call]
    after = devices.random_state()
    first = 0
    for chunk, state, part in zip(chunks, states, parts, strict=True):
        rows = slice(first, first + len(part[0]))
        devices.set_random_state(state)
        # A side that the loss only reads (soft targets) has no gradient to hand on.
        wanted = [
            (side, whole_side.grad[rows])
            for side, whole_side in zip(method.towers(chunk), whole, strict=True)
            if whole_side.grad is not None
        ]
        sides, gradients = zip(*[(side, gradient) for side, gradient in wanted if side.requires_grad], strict=True)
        torch.autograd.backward(sides, gradients)
        first = rows.stop
    devices.set_random_state(after)
    return step


def average(parameters: Sequence[Tensor], /) -> None:
    """The mean of the gradients over ranks, in place; nothing where there is one process.

    Parameters
    ----------
    parameters
        Their `grad` is changed; None counts as zeros.

    """
    if devices.count() == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        dist.all_reduce(parameter.grad)
        parameter.grad /= devices.count()
