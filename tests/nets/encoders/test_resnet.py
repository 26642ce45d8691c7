"""ResNets of the sizes of He et al."""

from __future__ import annotations

from tests.nets.sizes import count

from impasto.nets.encoders.resnet import ResNet


def test_resnet_50_has_the_size_of_he_et_al() -> None:
    """25.56 M with its classifier of 1000 classes on 3 channels (2.05 M)."""
    assert count(ResNet(channels=3, layers=50)) + 2048 * 1000 + 1000 == 25_557_032
    assert count(ResNet(channels=3, layers=18)) + 512 * 1000 + 1000 == 11_689_512
