"""Gather embeddings from all ranks, with gradient: a contrastive loss then sees the global minibatch, as one process would.

Each rank computes the same loss on the gathered rows; the gradient that reaches its own rows is that of the whole loss. DDP
averages parameter gradients over ranks, so the gathered gradient is multiplied by the number of ranks: the result equals that
of one process on the same global minibatch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


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

    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return rows
    sizes = [torch.zeros(1, dtype=torch.long, device=rows.device) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, torch.tensor([len(rows)], device=rows.device))
    gathered: Tensor = _Gather.apply(rows, [int(s) for s in sizes])  # type: ignore[no-untyped-call]
    return gathered
