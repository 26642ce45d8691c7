"""Batch norm of convolutions over the rows of all ranks, so that several processes compute what one would.

    mean = sum_r sum_i x_i / n,  var = sum_r sum_i x_i^2 / n - mean^2,  y = (x - mean) / sqrt(var + eps) * weight + bias

Ioffe & Szegedy 2015. torch's own (`SyncBatchNorm`) needs GPUs; this runs over gloo too. Heads take the gathered rows already, so only the
norms of encoders (`BatchNorm2d`) are changed.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from impasto import devices


class _Summed(torch.autograd.Function):
    """The sum over ranks; each rank's gradient is the sum of all ranks' gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004 - torch gives it
        whole = values.clone()
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        whole = gradients[0].clone()
        dist.all_reduce(whole)
        return whole


class OverRanks(nn.BatchNorm2d):
    """Batch norm of maps (N, C, H, W) over all ranks while training; one process's own norm otherwise."""

    def forward(self, maps: Tensor, /) -> Tensor:
        """The normalised maps.

        Parameters
        ----------
        maps
            (N, C, H, W), this rank's rows.

        Returns
        -------
        Tensor
            (N, C, H, W).

        """
        if not self.training or devices.count() == 1 or maps.device.type == "meta":
            return super().forward(maps)
        exact = torch.float32 if maps.device.type == "mps" else torch.float64
        sums = torch.stack([maps.sum(dim=(0, 2, 3), dtype=exact), maps.square().sum(dim=(0, 2, 3), dtype=exact)])
        whole: Tensor = _Summed.apply(sums)  # type: ignore[no-untyped-call]
        count = maps.shape[0] * maps.shape[2] * maps.shape[3] * devices.count()
        mean, square = whole / count
        variance = square - mean.square()
        self._remember(mean.detach(), variance.detach() * count / max(1, count - 1))
        share = torch.rsqrt(variance + self.eps) * self.weight
        offset = self.bias - mean * share
        return maps * share.to(maps.dtype)[:, None, None] + offset.to(maps.dtype)[:, None, None]

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 0.1
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def over_ranks(module: nn.Module, /) -> None:
    """Let every batch norm of maps in a module see the rows of all ranks; the weights and their names stay.

    Parameters
    ----------
    module
        Changed in place where several ranks train. They must have equally many rows of each minibatch.

    """
    for part in module.modules():
        if type(part) is nn.BatchNorm2d:
            part.__class__ = OverRanks
