"""MoCo v3: the frame of test_momentum.py, a norm behind the last layer, and the temperature of the settings."""

from __future__ import annotations

import math

import pytest
import torch
from tests.pretrain.small import built

from impasto.pretrain.moco_v3 import MocoV3Settings


def test_a_norm_stands_behind_the_last_layers() -> None:
    method = built("moco_v3", hidden=8, out=6)
    assert isinstance(method.predictor[-1], torch.nn.BatchNorm1d)
    assert isinstance(method.projector[-1], torch.nn.BatchNorm1d)
    assert (MocoV3Settings().momentum, MocoV3Settings().temperature) == (0.99, 0.1)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_right_angles_give_the_loss_that_the_temperature_says(temperature: float) -> None:
    method, rows = built("moco_v3", hidden=8, out=6, temperature=temperature), torch.eye(4)
    expected = 2 * temperature * math.log(1 + 3 * math.exp(-1 / temperature))
    assert float(method.compare(rows, rows)) == pytest.approx(expected, rel=1e-2)
