"""Patches: cut where they were, dropped by share, placed on grids of other sizes."""

from __future__ import annotations

import torch
from tests.nets.sizes import TINY

from impasto.nets import patches
from impasto.nets.encoders.vit import ViT


def test_cutting_keeps_every_pixel_where_it_was() -> None:
    images = torch.arange(2 * 3 * 8 * 12, dtype=torch.float32).view(2, 3, 8, 12)
    cut = patches.cut(images, patch=4)
    for n in range(2):
        for row in range(2):
            for column in range(3):
                square = images[n, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
                assert torch.equal(cut[n, 3 * row + column], square.flatten())


def test_splitting_noise_drops_the_share_that_is_asked_for() -> None:
    noise = torch.rand(3, 196)
    keep, dropped = patches.split(noise, drop=0.15)
    assert keep.shape == (3, 166)
    assert [sorted([*a, *b]) for a, b in zip(keep.tolist(), dropped.tolist(), strict=True)] == [list(range(196))] * 3
    assert all(noise[i][keep[i]].max() <= noise[i][dropped[i]].min() for i in range(3))


def test_positions_are_interpolated_for_other_sizes() -> None:
    net = ViT(channels=2, **TINY)
    assert net(torch.randn(1, 2, 16, 16)).shape == (1, 5, 24)
    assert net(torch.randn(1, 2, 16, 48)).shape == (1, 13, 24)
    net.positions.grid.data[:] = 1.5
    torch.testing.assert_close(net.positions(2, 6), torch.full((12, 24), 1.5))
