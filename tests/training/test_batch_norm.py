"""Batch norm over ranks: the sums are those of the whole (two real processes: tests/pretrain/test_distributed.py)."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
from torch import nn

from impasto import devices
from impasto.training import batch_norm


def test_norms_of_maps_are_changed_and_nothing_else() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.BatchNorm1d(3))
    before = list(net.state_dict())
    batch_norm.over_ranks(net)
    assert [type(part) for part in net] == [nn.Conv2d, batch_norm.OverRanks, nn.Flatten, nn.BatchNorm1d]
    assert list(net.state_dict()) == before


def test_two_halves_have_the_norm_gradient_and_memory_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    maps, pull = torch.randn(6, 3, 4, 5, dtype=torch.float64), torch.randn(6, 3, 4, 5, dtype=torch.float64)
    plain = nn.BatchNorm2d(3).double()
    nn.init.normal_(plain.weight)
    nn.init.normal_(plain.bias)
    own = nn.BatchNorm2d(3).double()
    own.load_state_dict(plain.state_dict())
    batch_norm.over_ranks(own)
    whole = maps.clone().requires_grad_()
    expected = plain(whole)
    (expected * pull).sum().backward()
    # This process has the first three rows; what the other adds to each sum is known.
    share = maps[:3].clone().requires_grad_()
    theirs = [torch.stack([maps[3:].sum(dim=(0, 2, 3)), maps[3:].square().sum(dim=(0, 2, 3))])]
    monkeypatch.setattr(devices, "count", lambda: 2)
    monkeypatch.setattr(dist, "all_reduce", lambda values: values.add_(theirs[0]))
    found = own(share)
    torch.testing.assert_close(found, expected[:3])
    torch.testing.assert_close(own.running_mean, plain.running_mean)
    torch.testing.assert_close(own.running_var, plain.running_var)
    assert int(own.num_batches_tracked) == 1
    own.eval()
    torch.testing.assert_close(own(maps), plain.eval()(maps))
