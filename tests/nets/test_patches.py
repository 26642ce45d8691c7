"""Patches: cut where they were, dropped by share, placed on grids of other sizes."""

from __future__ import annotations

import pytest
import torch
from tests.nets.sizes import TINY

from impasto.nets import patches
from impasto.nets.encoders.vit import ViT
from impasto.schema import InputError


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


def test_images_and_grids_that_are_not_whole_are_refused() -> None:
    with pytest.raises(InputError, match="8 x 10 pixels cannot be cut into patches of 4"):
        patches.cut(torch.zeros(1, 1, 8, 10), patch=4)
    assert patches.side_of(49) == 7
    with pytest.raises(ValueError, match="48 patches are not a square grid"):
        patches.side_of(48)


def test_taken_tokens_are_those_at_their_places() -> None:
    tokens, index = torch.randn(2, 5, 3), torch.tensor([[4, 0], [2, 2]])
    assert torch.equal(patches.take(tokens, index), torch.stack([tokens[0, [4, 0]], tokens[1, [2, 2]]]))
