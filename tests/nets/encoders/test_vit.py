"""ViT: the size the paper states, patches projected as a convolution does."""

from __future__ import annotations

import pytest
import torch
from tests.nets.sizes import TINY, count
from torch import nn

from impasto.nets.encoders import image
from impasto.nets.encoders.image import EncoderSettings
from impasto.nets.encoders.vit import ViT


def test_vit_s_16_with_five_channels_has_21_9_million_parameters() -> None:
    assert count(image.build(EncoderSettings(), channels=5, size=224)) == pytest.approx(21.9e6, rel=0.005)


def test_a_vit_projects_as_a_convolution_does() -> None:
    net = ViT(channels=3, **TINY)
    images = torch.randn(2, 3, 32, 32)
    expected = nn.functional.conv2d(images, net.project.weight.view(24, 3, 8, 8), net.project.bias, stride=8).flatten(2).transpose(1, 2)
    torch.testing.assert_close(net.project(net.cut(images)), expected, rtol=1e-4, atol=1e-5)


def test_tokens_are_equation_1_written_out() -> None:
    """[cls, E u_1 + e_1, ..., E u_P + e_P], patch by patch, is what the trunk is given."""
    torch.manual_seed(0)
    net = ViT(channels=2, **TINY).double().eval()
    images = torch.randn(1, 2, 32, 32, dtype=torch.float64)
    tokens = [net.cls]
    for row in range(4):
        for column in range(4):
            pixels = images[0, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].flatten()
            tokens.append(net.project.weight @ pixels + net.project.bias + net.positions.grid[4 * row + column])
    torch.testing.assert_close(net(images), net.trunk(torch.stack(tokens)[None]))
    torch.testing.assert_close(net.represent(images), net(images)[:, 0])
