"""BYOL: the frame of test_momentum.py, no norm behind the last layer, and the paper's numbers."""

from __future__ import annotations

import torch
from tests.pretrain.small import built

from impasto.pretrain.byol import ByolSettings


def test_no_norm_stands_behind_the_last_layers() -> None:
    method = built("byol", hidden=8, out=6)
    assert isinstance(method.predictor[-1], torch.nn.Linear)
    assert isinstance(method.projector[-1], torch.nn.Linear)
    assert (ByolSettings().momentum, ByolSettings().hidden, ByolSettings().out) == (0.996, 2048, 256)


def test_the_least_loss_is_zero_and_the_scale_of_a_prediction_does_not_count() -> None:
    method, rows = built("byol", hidden=8, out=6), torch.randn(4, 6)
    torch.testing.assert_close(method.compare(3 * rows, rows), torch.tensor(0.0), atol=1e-6, rtol=0)
    torch.testing.assert_close(method.compare(-rows, rows), torch.tensor(4.0))
