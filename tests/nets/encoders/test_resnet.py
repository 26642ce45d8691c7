"""ResNets of the sizes of He et al."""

from __future__ import annotations

import pytest
import torch
from tests.nets.sizes import count
from torch import nn

from impasto.nets.encoders.resnet import ResNet


def test_resnet_50_has_the_size_of_he_et_al() -> None:
    """25.56 M with its classifier of 1000 classes on 3 channels (2.05 M)."""
    assert count(ResNet(channels=3, layers=50)) + 2048 * 1000 + 1000 == 25_557_032
    assert count(ResNet(channels=3, layers=18)) + 512 * 1000 + 1000 == 11_689_512


@pytest.mark.parametrize(("layers", "kind"), [(18, "basic"), (50, "bottleneck")])
def test_it_equals_transformers_resnet_with_the_same_weights(layers: int, kind: str) -> None:
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    ours = ResNet(channels=5, layers=layers).eval()
    stages = {18: [2, 2, 2, 2], 50: [3, 4, 6, 3]}[layers]
    widths = [w * (1 if kind == "basic" else 4) for w in (64, 128, 256, 512)]
    theirs = ResNetModel(ResNetConfig(num_channels=5, depths=stages, hidden_sizes=widths, layer_type=kind)).eval()
    blocks = [block for stage in theirs.encoder.stages for block in stage.layers]
    pairs = [(theirs.embedder.embedder.convolution, ours.first), (theirs.embedder.embedder.normalization, ours.stem[0])]
    for other, mine in zip(blocks, ours.blocks, strict=True):
        for number, layer in enumerate(other.layer):
            pairs += [(layer.convolution, mine.path[3 * number]), (layer.normalization, mine.path[3 * number + 1])]
        if isinstance(mine.short, nn.Sequential):
            pairs += [(other.shortcut.convolution, mine.short[0]), (other.shortcut.normalization, mine.short[1])]
    for other, mine in pairs:
        other.load_state_dict(mine.state_dict())
    images = torch.randn(2, 5, 64, 64)
    found, expected = ours.represent(images), theirs(images).pooler_output[:, :, 0, 0]
    assert found.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_patches_cannot_be_dropped_from_a_convolution() -> None:
    with pytest.raises(ValueError, match="no patches to drop"):
        ResNet(channels=1, layers=18).represent(torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, dtype=torch.long))
