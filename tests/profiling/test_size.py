"""The size of an encoder against layers whose products can be counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from impasto.nets.encoders.reading import Reading
from impasto.nets.encoders.vision import VisionEncoder
from impasto.profiling import size


@pytest.mark.parametrize(("kind", "planes"), [("gray3", 3), ("gray1", 1)])
def test_parameters_and_operations_are_those_of_the_layers(kind: str, planes: int) -> None:
    net = nn.Sequential(nn.Conv2d(planes, 4, 2, stride=2, bias=True), nn.Flatten(), nn.Linear(4 * 9, 5, bias=False))
    encoder = VisionEncoder("own", net, 6, 5, "", "", reading=Reading(kind, "unit"))
    found = size.of_net(encoder)
    assert found.parameters == 4 * planes * 4 + 4 + 36 * 5
    # Nine places, four maps, planes x 2 x 2 products and sums each; then a product of 36 by 5.
    assert found.operations == 2 * 9 * 4 * planes * 4 + 2 * 36 * 5
    assert not torch.is_inference_mode_enabled()
