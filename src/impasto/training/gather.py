"""Gather embeddings from all ranks, with gradient: a contrastive loss then sees the global minibatch, as one process would.

Each rank computes the same loss on the gathered rows; the gradient that reaches its own rows is that of the whole loss. DDP
averages parameter gradients over ranks, so the gathered gradient is multiplied by the number of ranks: the result equals that
of one process on the same global minibatch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from impasto import devices


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, sizes: list[int]) -> Tensor:
        ctx.sizes = sizes
        padded = rows.new_zeros((max(sizes), *rows.shape[1:]))
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded.contiguous())
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        first = sum(ctx.sizes[: dist.get_rank()])
        own_rows = gradients[0][first : first + ctx.sizes[dist.get_rank()]]
        return own_rows * dist.get_world_size(), None


_shares: list[list[int]] = []
"""How many rows each rank has of the minibatch that is in work, the innermost last."""


@contextlib.contextmanager
def sharing(shares: Sequence[int], /) -> Iterator[None]:
    """Say how many rows of a minibatch each rank has. All ranks know it from the feed, so nobody needs to ask the others.

    Parameters
    ----------
    shares
        Rows of each rank.

    Yields
    ------
    None
        `gather` works inside.

    """
    _shares.append(list(shares))
    try:
        yield
    finally:
        _shares.pop()


def gather(rows: Tensor, /) -> Tensor:
    """The rows of all ranks, with gradient.

    Parameters
    ----------
    rows
        (n, ...) of this rank.

    Returns
    -------
    Tensor
        Rows of all ranks, in order of rank; the same tensor where there is one process.

    Raises
    ------
    ValueError
        Where these are not as many rows as this rank's share.

    """
    if devices.count() == 1 or rows.device.type == "meta":
        return rows
    shares = _shares[-1] if _shares else []
    if not shares or shares[devices.rank()] != len(rows):
        raise ValueError(f"{len(rows)} rows to gather on rank {devices.rank()}, and the minibatch is shared as {shares}")
    gathered: Tensor = _Gather.apply(rows, shares)  # type: ignore[no-untyped-call]
    return gathered
