"""Encoders of images with any channels: sizes as the papers state, patches really dropped, channels matched by number."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from impasto.nets import patches
from impasto.nets.decoder import Decoder
from impasto.nets.encoders import image
from impasto.nets.encoders.channel_vit import ChannelViT
from impasto.nets.encoders.image import EncoderSettings
from impasto.nets.encoders.resnet import ResNet
from impasto.nets.encoders.vit import ViT
from impasto.nets.heads import head
from impasto.nets.teacher import Teacher, momentum_at
from impasto.schema import InputError

TINY = {"size": 32, "patch": 8, "width": 24, "depth": 2, "heads": 3}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_vit_s_16_with_five_channels_has_21_9_million_parameters() -> None:
    assert count(image.build(EncoderSettings(), channels=5, size=224)) == pytest.approx(21.9e6, rel=0.005)


def test_resnet_50_has_the_size_of_he_et_al() -> None:
    """25.56 M with its classifier of 1000 classes on 3 channels (2.05 M)."""
    assert count(ResNet(channels=3, layers=50)) + 2048 * 1000 + 1000 == 25_557_032
    assert count(ResNet(channels=3, layers=18)) + 512 * 1000 + 1000 == 11_689_512


def test_cutting_keeps_every_pixel_where_it_was() -> None:
    images = torch.arange(2 * 3 * 8 * 12, dtype=torch.float32).view(2, 3, 8, 12)
    cut = patches.cut(images, patch=4)
    for n in range(2):
        for row in range(2):
            for column in range(3):
                square = images[n, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
                assert torch.equal(cut[n, 3 * row + column], square.flatten())


def test_a_vit_projects_as_a_convolution_does() -> None:
    net = ViT(channels=3, **TINY)
    images = torch.randn(2, 3, 32, 32)
    expected = nn.functional.conv2d(images, net.project.weight.view(24, 3, 8, 8), net.project.bias, stride=8).flatten(2).transpose(1, 2)
    torch.testing.assert_close(net.project(net.cut(images)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("net", [ViT(channels=3, **TINY), ChannelViT(channels=3, **TINY)])
def test_dropped_patches_are_never_seen(net: ViT | ChannelViT) -> None:
    images = torch.randn(2, 3, 32, 32)
    keep, dropped = patches.split(torch.rand(2, net.tokens), drop=0.5)
    assert net(images, keep).shape == (2, 1 + keep.shape[1], 24)
    spoilt = images.clone()
    cut = net.cut(spoilt)
    changed = images.clone().requires_grad_()
    net(changed, keep).sum().backward()
    touched = net.cut(changed.grad).abs().sum(dim=-1) > 0  # type: ignore[arg-type]
    assert touched.gather(1, keep).all()
    assert not touched.gather(1, dropped).any()
    assert torch.equal(cut, net.cut(images))


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


@pytest.mark.parametrize("name", ["vit", "channel_vit", "ca_mae", "resnet"])
def test_missing_channels_are_matched_by_number(name: str) -> None:
    """Where a channel holds its mean (zero) it says nothing to a sum over channels; a token encoder does without its tokens."""
    torch.manual_seed(0)
    net = image.build(EncoderSettings(name=name, patch=8, width=24, depth=2, heads=3, layers=18), channels=4, size=32).eval()
    images = torch.randn(2, 4, 32, 32)
    there = torch.tensor([2, 0])
    one = net.represent(images[:, there], None, there)
    two = net.represent(images[:, there.flip(0)], None, there.flip(0))
    torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
    if name in ("vit", "resnet"):
        blank = images.clone()
        blank[:, [1, 3]] = 0
        torch.testing.assert_close(one, net.represent(blank), rtol=1e-4, atol=1e-5)
    else:
        assert not torch.allclose(one, net.represent(images), atol=1e-3)


def test_a_channel_agnostic_encoder_does_not_tell_its_channels_apart() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 32, 32)
    agnostic, named = ChannelViT(channels=3, agnostic=True, **TINY), ChannelViT(channels=3, **TINY)
    torch.testing.assert_close(agnostic.represent(images), agnostic.represent(images.flip(1)), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(named.represent(images), named.represent(images.flip(1)), atol=1e-4)


def test_sizes_that_do_not_fit_are_a_sentence() -> None:
    with pytest.raises(InputError, match="does not fit views of 30 pixels"):
        image.build(EncoderSettings(patch=8), channels=2, size=30)


def test_a_teacher_is_the_moving_average() -> None:
    student = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    teacher = Teacher(student)
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    assert not any(p.requires_grad for p in teacher.parameters())
    changed = copy.deepcopy(student)
    with torch.no_grad():
        for p in changed.parameters():
            p.add_(1.0)
    changed(torch.randn(8, 3))
    teacher.follow(changed, momentum=0.9)
    for name, value in changed.state_dict().items():
        mine = teacher.state_dict()[f"net.{name}"]
        if value.is_floating_point():
            torch.testing.assert_close(mine, 0.9 * before[f"net.{name}"] + 0.1 * value)
        else:
            assert torch.equal(mine, value)


def test_momentum_goes_from_start_to_end() -> None:
    assert [momentum_at(p, start=0.996) for p in (0.0, 0.5, 1.0)] == pytest.approx([0.996, 0.998, 1.0])
    assert [momentum_at(p, start=0.99, shape="cosine") for p in (0.0, 0.5, 1.0)] == pytest.approx([0.99, 0.995, 1.0])
    assert momentum_at(0.25, start=0.9, shape="cosine") < momentum_at(0.25, start=0.9)


def test_heads_have_the_layers_that_are_asked_for() -> None:
    widths = [(m.in_features, m.out_features) for m in head([384, 2048, 2048, 256]) if isinstance(m, nn.Linear)]
    assert widths == [(384, 2048), (2048, 2048), (2048, 256)]
    assert isinstance(head([4, 5, 6], last_norm=True)[-1], nn.BatchNorm1d)
    assert isinstance(head([4, 5, 6])[-1], nn.Linear)


def test_a_decoder_predicts_the_hidden_tokens_only_from_what_was_seen() -> None:
    torch.manual_seed(0)
    net = ViT(channels=2, **TINY)
    decoder = Decoder(given=24, tokens=16, token_pixels=128, width=16, depth=1, heads=2)
    keep, dropped = patches.split(torch.rand(2, 16), drop=0.75)
    seen = net(torch.randn(2, 2, 32, 32), keep)
    predicted = decoder(seen, keep, dropped)
    assert predicted.shape == (2, 12, 128)
    order = torch.randperm(12)
    torch.testing.assert_close(decoder(seen, keep, dropped[:, order]), predicted[:, order], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(decoder(seen, keep, dropped, torch.randn(2, 17, 24)), predicted)
