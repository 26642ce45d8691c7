"""EfficientNet-Lite0: its published size, TensorFlow's padding, a bottleneck written out, strict weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.nets.sizes import count
from torch.nn import functional

from impasto.nets.encoders import efficientnet_lite0
from impasto.nets.encoders.efficientnet_lite0 import EfficientNetLite0, _Bottleneck, _SameConv


def test_it_has_the_published_size() -> None:
    """4.652 M parameters with the classifier of 1000 classes."""
    assert count(EfficientNetLite0()) + 1280 * 1000 + 1000 == 4_652_008


@pytest.mark.parametrize(("size", "kernel", "stride"), [(8, 3, 2), (9, 3, 2), (8, 5, 2), (7, 5, 1), (6, 3, 1)])
def test_padding_is_tensorflows_same(size: int, kernel: int, stride: int) -> None:
    """ceil(size / stride) outputs; of an odd number of padded pixels the extra one lies right and below."""
    torch.manual_seed(0)
    convolution = _SameConv(1, 1, kernel, stride, bias=False).double()
    image, weight = torch.randn(size, size, dtype=torch.float64), convolution.weight.detach()[0, 0]
    found = convolution(image[None, None]).detach()[0, 0]
    outputs = -(-size // stride)
    before = max((outputs - 1) * stride + kernel - size, 0) // 2
    assert found.shape == (outputs, outputs)
    for row in range(outputs):
        for column in range(outputs):
            expected = 0.0
            for i in range(kernel):
                for j in range(kernel):
                    y, x = row * stride + i - before, column * stride + j - before
                    if 0 <= y < size and 0 <= x < size:
                        expected += float(weight[i, j] * image[y, x])
            assert float(found[row, column]) == pytest.approx(expected)


def test_a_bottleneck_widens_mixes_each_channel_and_adds_what_came_in() -> None:
    torch.manual_seed(0)
    block = _Bottleneck(4, 4, kernel=3, stride=1, expansion=6).eval()
    x = torch.randn(2, 4, 5, 5)
    known = 1 / (1 + 1e-3) ** 0.5  # a fresh norm in evaluation divides by sqrt(1 + eps)
    wide = functional.conv2d(x, block._expand_conv.weight).mul(known).clamp(0, 6)
    mixed = functional.conv2d(wide, block._depthwise_conv.weight, padding=1, groups=24).mul(known).clamp(0, 6)
    expected = functional.conv2d(mixed, block._project_conv.weight).mul(known) + x
    torch.testing.assert_close(block(x), expected)


def test_random_weights_are_a_function_of_the_seed() -> None:
    images = torch.randn(1, 3, 64, 64)
    one, again, other = (efficientnet_lite0.random(seed=seed)(images) for seed in (0, 0, 1))
    assert one.shape == (1, 1280)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_weights_come_back_without_the_classifier_and_nothing_may_be_missing(tmp_path: Path) -> None:
    net = efficientnet_lite0.random(seed=0)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    save_file({**state, "_fc.weight": torch.zeros(1000, 1280)}, tmp_path / "model.safetensors")
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(efficientnet_lite0.load(tmp_path)(images), net(images))
    save_file({name: value for name, value in state.items() if name != "_conv_stem.weight"}, tmp_path / "model.safetensors")
    with pytest.raises(RuntimeError, match=r"Missing key.*_conv_stem\.weight"):
        efficientnet_lite0.load(tmp_path)


def test_random_weights_let_images_through() -> None:
    """A control whose outputs vanish, or are the same for all images, would make any encoder look good."""
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 5)[:, None, None, None]
    for seed in range(3):
        found = efficientnet_lite0.random(seed=seed)(images)
        assert 0.1 < found.mean() < 6
        assert found.std(dim=0).mean() > 0.05 * found.mean()
        assert (found == 0).float().mean() < 0.3
